"""The media sources that come with TigerTag, one plugin each."""
