"""The process that the test of killed builds kills: a build of a set, in two processes."""

from __future__ import annotations

import sys
from pathlib import Path

from mmeval.mic.build import build

if __name__ == "__main__":
    build("coco", Path(sys.argv[1]), Path(sys.argv[2]), workers=int(sys.argv[3]))
