"""The processes of the distributed training tests: they run a configuration's second stage."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import elastic_launch
from torch.distributed.run import config_from_args, parse_args

from mmeval import yaml_file
from mmeval.mmicl.training.config import check_config
from mmeval.mmicl.training.run import train


def learn(file: str, variables: Mapping[str, str]) -> None:
    """Train in an environment with these variables."""
    faulthandler.enable()  # a process that ends by a signal says where it was
    os.environ.update(variables)
    torch.set_num_threads(1)
    train(check_config(yaml_file.read(Path(file)), Path(file), "stage2"))


def launch(file: str, processes: int, variables: Mapping[str, str]) -> None:
    """Let torchrun start `learn` in this many forks of this process, and end by a signal if one of them did."""
    os.environ.update(variables)
    rendezvous = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "--rdzv-id", str(os.getpid())]
    arguments = [*rendezvous, "--nproc-per-node", str(processes), "--start-method", "fork", "learn"]
    config, *_ = config_from_args(parse_args(arguments))  # type: ignore[no-untyped-call]
    try:
        elastic_launch(config, learn)(file, {})
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        if failure.exitcode < 0:
            os.kill(os.getpid(), -failure.exitcode)
        raise
