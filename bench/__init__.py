"""Measurements: `make bench` prints them as one table. Each part runs in a process of its own."""
