"""A scan: listed, cut into chunks, and each chunk looked at, decided and written."""
