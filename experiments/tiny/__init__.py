"""Trains the tiny family: the one place where the picture world and `mmicl` meet.

`python -m experiments.tiny` (`make train-tiny`) trains it on a CPU or a GPU; the shipped weights are in
`mmeval/embedded/weights/`.
"""
