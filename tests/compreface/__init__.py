"""A strict fake of CompreFace 1.2, for which a face is a square of one of a few colours."""

from tests.compreface.drawing import COLOURS, drawn
from tests.compreface.server import KEY, CompreFaceServer

__all__ = ["COLOURS", "KEY", "CompreFaceServer", "drawn"]
