"""HEIC: which parts a file has, and decoding it in less time than libheif takes."""
