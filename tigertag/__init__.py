"""TigerTag: tags for the photos and videos of a home media server."""

__version__ = "0.1.0"
