"""Genres, learned from films that bear them. Importing it imports nothing that learns."""
