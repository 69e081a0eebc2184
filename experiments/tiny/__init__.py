"""Train the tiny family, from the picture world and for `mmeval.mmicl`.

`python -m experiments.tiny` (`make train-tiny`) trains it on a CPU or a GPU; the shipped weights are in
`mmeval/embedded/weights/`.
"""
