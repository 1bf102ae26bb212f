"""Imagga's tagging API, version 2."""

from tigertag.engines.imagga.engine import Imagga, build
from tigertag.engines.imagga.options import Options

__all__ = ["Imagga", "Options", "build"]
