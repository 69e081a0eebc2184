"""`python -m experiments.tiny`: trains the tiny family, as many stages as are asked for, and exports it.

`see` trains the vision encoder (on a CPU, a few hours: the shipped one is taken unless `--encoder` names another);
`draw` makes the pictures and what the encoder says of them; `words` trains the language model that all members share;
`learn` trains the members, all at once where there is a GPU; `pack` writes their weights into a folder; `export` makes
of them the models of the repository, and of ablations those of `WORK/ablations` (it alone needs transformers). What is
there is not made again, so that a run that was cut off goes on. All but `export` is by the clock: `--minutes`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import torch

from experiments.tiny.family import (
    ABLATIONS,
    FAMILY,
    Plan,
    in_process,
    pack,
    prepare,
    train_encoder,
    train_members,
    train_words,
)
from experiments.tiny.pool import Amounts

STAGES = ("draw", "words", "learn", "pack")
WEIGHTS = Path(__file__).resolve().parents[2] / "mmeval" / "embedded" / "weights"


def main() -> None:
    """Run the stages asked for, in order."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tiny", description=__doc__)
    parser.add_argument(
        "stages", nargs="*", default=list(STAGES), help=f"of {', '.join(STAGES)}, see, export; in order"
    )
    parser.add_argument("--member", choices=(*FAMILY, *ABLATIONS), action="append", help="default: the family")
    parser.add_argument("--work", type=Path, default=Path("work/tiny"))
    parser.add_argument("--out", type=Path, help="where weights and logs are packed; default: WORK/out")
    parser.add_argument("--encoder", type=Path, default=WEIGHTS / "mmicl-tiny" / "model.safetensors")
    parser.add_argument("--minutes", type=float, default=180.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=max(1, ((os.cpu_count() or 2) - 4) // 4), help="of each model")
    parser.add_argument("--tokens", type=int, default=20_000, help="of a batch, padding included")
    parser.add_argument("--rows", type=int, default=128, help="lessons of a batch at most")
    parser.add_argument("--share", type=float, default=1.0, help="of the pictures that are drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check-every", type=int, default=100, help="steps between two tests")
    parser.add_argument("--tests", type=int, default=100, help="lessons of each test")
    options = parser.parse_args()
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    out = options.out or options.work / "out"
    for folder in (options.work, out):
        folder.mkdir(parents=True, exist_ok=True)
    until = time.time() + 60 * options.minutes
    plan = Plan(
        options.work, out, device, options.workers, options.tokens, options.rows, options.seed, until,
        options.check_every, options.tests,
    )  # fmt: skip
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    members = options.member or list(FAMILY)
    for stage in options.stages:
        start = time.time()
        if stage == "see":
            train_encoder(plan)
        elif stage == "draw":
            prepare(plan, Amounts().times(options.share), options.encoder)
        elif stage == "words":
            in_process(train_words, plan)
        elif stage == "learn":
            train_members(plan, members)
        elif stage == "pack":
            pack(plan, members)
        elif stage == "export":
            from experiments.tiny.export import export

            export(out, WEIGHTS, [name for name in members if name in FAMILY])
            export(out, options.work / "ablations", [name for name in members if name in ABLATIONS])
        else:
            parser.error(f"unknown stage '{stage}'; choose from {', '.join(STAGES)}, see, export")
        plan.say(json.dumps({"done": stage, "seconds": round(time.time() - start, 1), "left": round(plan.left(), 1)}))


if __name__ == "__main__":
    main()
