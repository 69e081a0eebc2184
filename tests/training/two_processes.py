"""The process of the distributed training tests: it runs a configuration's second stage."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from mmeval import yaml_file
from mmeval.mmicl.training.config import check_config
from mmeval.mmicl.training.run import train


def learn(file: str, variables: Mapping[str, str]) -> None:
    """Train in an environment with these variables."""
    faulthandler.enable()  # a process that ends by a signal says where it was
    os.environ.update(variables)
    torch.set_num_threads(1)
    train(check_config(yaml_file.read(Path(file)), Path(file), "stage2"))


if __name__ == "__main__":
    learn(sys.argv[1], {})
