"""Trains the tiny family: the one place where the picture world and `mmicl` meet.

`python -m experiments.tiny` (`make train-tiny`) trains mmicl-tiny from nothing on a CPU; its weights lie in `weights/`.
"""
