"""What each of two processes runs in the tests of distributed training: a configuration, and where losses go."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from mmeval import yaml_file
from mmeval.mmicl.training.config import check_config
from mmeval.mmicl.training.run import train

if __name__ == "__main__":
    torch.set_num_threads(1)
    file = Path(sys.argv[1])
    train(check_config(yaml_file.read(file), file, "stage2"))
