"""A fitted pipeline becomes the ONNX graph that is served. Needs scikit-learn and skl2onnx."""

from typing import Any, Final

import numpy as np
from skl2onnx import to_onnx as converted
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs

from tigertag.errors import ModelError
from tigertag.genres.fitting import Fitted
from tigertag.genres.pooling import Vectors
from tigertag.inference.head import Head

LARGEST_DIFFERENCE: Final = 1e-5
OPSETS: Final = {"": 17, "ai.onnx.ml": 3}


def to_onnx(fitted: Fitted, vectors: Vectors) -> bytes:
    """Return the graph for `inference.head.Head`: "pooled" [n, width] to "probabilities".

    The same pipeline always gives the same bytes. Raises `ModelError`: for one of these vectors,
    those learned from, it says something else than scikit-learn does, by more than
    `LARGEST_DIFFERENCE`.
    """
    data = _graph(fitted.pipeline, vectors.shape[1])
    difference = np.abs(Head(data).probabilities(vectors) - fitted.probabilities(vectors)).max()
    if not difference <= LARGEST_DIFFERENCE:
        raise ModelError(
            f"The model was not kept: as ONNX it says something else, by {difference:.2g}; "
            "this is a bug of TigerTag or skl2onnx."
        )
    return data


def _graph(pipeline: Any, width: int) -> bytes:
    whole = converted(
        pipeline,
        name="tigertag-genres",
        initial_types=[("pooled", FloatTensorType([None, width]))],
        options={id(pipeline[-1]): {"zipmap": False}},
        target_opset=OPSETS,
    )
    # The labels at 0.5 are nobody's business: each genre has its own threshold.
    served = select_model_inputs_outputs(whole, outputs=["probabilities"])
    [given] = [one for one in whole.graph.output if one.name == "probabilities"]
    served.graph.output[0].CopyFrom(given)
    return bytes(served.SerializeToString(deterministic=True))
