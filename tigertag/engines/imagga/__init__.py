"""Imagga's tagging API, version 2."""

from tigertag.engines.imagga.client import Options
from tigertag.engines.imagga.engine import Imagga, build

__all__ = ["Imagga", "Options", "build"]
