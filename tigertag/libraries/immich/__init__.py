"""Immich."""
