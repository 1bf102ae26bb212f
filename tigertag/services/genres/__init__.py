"""Genres: gathered, learned, kept, measured and told."""
