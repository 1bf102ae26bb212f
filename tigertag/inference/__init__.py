"""Local inference: weights, graphs, runtimes."""
