"""The picture world, the suites drawn with it, and the weights trained on it."""
