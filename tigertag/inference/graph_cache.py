"""The graph cache: graphs that were built, kept in the model folder.

A graph lies beside a file with its SHA-256, so that one that was cut short or changed is noticed
and built anew. Both get their names when they are whole.
"""

import logging
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from tigertag.errors import ModelError, os_reason
from tigertag.inference import graphs
from tigertag.inference.checkpoint import read_checkpoint
from tigertag.inference.weights import Weights

logger = logging.getLogger(__name__)


def graph_file(weights: Weights, models: Path) -> Path:
    """Return the ONNX file for these weights; build it only if it is not there, whole.

    Raises `ModelError`.
    """
    return _cached(models / f"{_name(weights)}.onnx", weights, graphs.build)


def embedding_file(weights: Weights, models: Path) -> Path:
    """Return the ONNX file of the network up to its last layer, as `graph_file` does."""
    return _cached(models / f"{_name(weights)}-embedding.onnx", weights, graphs.build_embedding)


def _name(weights: Weights) -> str:
    return f"{weights.network}-{weights.digest()[:16]}-{graphs.GRAPH_VERSION}"


def _cached(path: Path, weights: Weights, build: Callable[[str, dict[str, Any]], bytes]) -> Path:
    try:
        if _is_whole(path):
            return path
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}.") from exc
    checkpoint = weights.file()
    logger.info("building %s from %s", path.name, checkpoint.name)
    graph = build(weights.network, read_checkpoint(checkpoint))
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, graph)
        _write(_checksum_file(path), sha256(graph).hexdigest().encode())
    except OSError as exc:
        reason = os_reason(exc)
        raise ModelError(f"{path} cannot be written: {reason}; make {folder} writable.") from exc
    return path


def _checksum_file(path: Path) -> Path:
    return path.with_suffix(".onnx.sha256")


def _is_whole(path: Path) -> bool:
    try:
        expected = _checksum_file(path).read_bytes()
        return sha256(path.read_bytes()).hexdigest().encode() == expected
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is seen whole or not at all."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
