"""Genres, learned from films that have them. Importing it imports nothing that learns."""
