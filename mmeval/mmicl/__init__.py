"""MMICL, complete: configuration, processing, modeling and checkpoints. It stands alone."""
