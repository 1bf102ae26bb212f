"""From a file or its bytes to the pixels that engines look at."""
