"""Train the tiny family: the place where the picture world and `mmeval.mmicl` meet.

`python -m experiments.tiny` (`make train-tiny`) trains it on a CPU or a GPU; the shipped weights are in
`mmeval/embedded/weights/`.
"""
