"""`python -m experiments.tiny`: run the requested stages of training the tiny family.

`see` trains the vision encoder (a few hours on a CPU; the other stages use the shipped one unless `--encoder` names
another). `draw` draws the pictures and encodes them. `words` trains the language model that all members share. `learn`
trains the members, all at once on a GPU. `pack` writes their weights into a folder. `export` turns them into the
models that the repository ships; only `export` needs transformers. An interrupted run resumes and keeps existing
files. `--minutes` is the time for everything but `export`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.options import amount, count
from experiments.tiny.family import in_process, pack, train_members, train_words
from experiments.tiny.members import ABLATIONS, FAMILY, member_of
from experiments.tiny.plan import Plan
from experiments.tiny.pool import Amounts
from experiments.tiny.preparing import SPLITS, prepare, train_encoder
from experiments.tiny.stopping import interrupt, status
from mmeval.machine import cores
from mmeval.types import InputError

STAGES = ("draw", "words", "learn", "pack")
WEIGHTS = Path(__file__).resolve().parents[2] / "mmeval" / "embedded" / "weights"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the requested stages, in order."""
    parser = argparse.ArgumentParser(
        "python -m experiments.tiny", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "stages",
        nargs="*",
        type=_stage,
        default=list(STAGES),
        help=f"any of {', '.join(STAGES)}, see, export; run in the order given",
    )
    parser.add_argument(
        "--member",
        action="append",
        help=f"any of {', '.join((*FAMILY, *ABLATIONS))}, or one of them with ' seed 1'; None: {', '.join(FAMILY)}",
    )
    parser.add_argument("--work", type=Path, default=Path("work/tiny"), help="pictures and checkpoints")
    parser.add_argument("--out", type=Path, help="where weights and logs are packed; None: WORK/out")
    parser.add_argument(
        "--encoder", type=Path, default=WEIGHTS / "mmicl-tiny" / "model.safetensors", help="weights to see with"
    )
    parser.add_argument("--minutes", type=amount, default=180.0, help="time for all but export")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train")
    parser.add_argument(
        "--workers", type=int, help="worker processes of each model; None: the cores but four, divided by the models"
    )
    parser.add_argument("--tokens", type=count, help="tokens per batch, padding included; None: 16,384, on a CPU 4,000")
    parser.add_argument("--rows", type=count, default=256, help="maximum lessons in a batch")
    parser.add_argument("--share", type=amount, default=1.0, help="share of the pictures to draw")
    parser.add_argument("--small", action="store_true", help="sizes that a CPU trains in a few hours")
    parser.add_argument("--seed", type=int, default=0, help="of weights and lessons")
    parser.add_argument("--check-every", type=count, default=100, help="steps between tests")
    parser.add_argument("--tests", type=count, default=100, help="lessons in each test")
    parser.add_argument("--rate", type=amount, default=1e-3, help="full learning rate; lower to go on from weights")
    parser.add_argument(
        "--weights", type=Path, help="a member's model.safetensors to begin with, in the stage with all lessons"
    )
    options = parser.parse_args(arguments)
    members = options.member or list(FAMILY)
    try:
        for name in members:
            member_of(name)
    except ValueError as error:
        parser.error(str(error))
    if options.weights and not options.weights.is_file():
        parser.error(f"{options.weights}: no such file; give the model.safetensors of a member")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU; choose auto or cpu")
    if options.workers is not None and options.workers < 0:
        parser.error(f"--workers {options.workers}: must be at least 0")
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    out = options.out or options.work / "out"
    for folder in (options.work, out):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"{folder}: cannot be made ({error.strerror}); choose another folder")
    signal.signal(signal.SIGTERM, interrupt)  # so that the processes of the stages end, too
    at_once = len(members) if device == "cuda" else len(FAMILY)
    workers = max(1, (cores() - 4) // at_once) if options.workers is None else options.workers
    tokens = options.tokens or (4_000 if device == "cpu" else 16_384)
    until = time.time() + 60 * options.minutes
    plan = Plan(
        options.work, out, Amounts().times(options.share), options.small, device, workers, tokens,
        options.rows, options.seed, until, options.check_every, options.tests, options.rate, options.weights,
    )  # fmt: skip
    torch.set_num_threads(max(1, cores() // 2))
    try:
        for stage in options.stages:
            start = time.time()
            _run(stage, plan, members, options.encoder)
            seconds, left = round(time.time() - start, 1), round(plan.left(), 1)
            plan.say(json.dumps({"done": stage, "seconds": seconds, "left": left}))
    except InputError as error:
        parser.error(str(error))
    except KeyboardInterrupt as interrupted:
        print(f"{parser.prog}: stopped; repeat the command to resume from the last checkpoint", file=sys.stderr)
        sys.exit(status(interrupted))


def _run(stage: str, plan: Plan, members: Sequence[str], encoder: Path) -> None:
    """Run one stage. Raises InputError if files that it needs are missing or do not fit."""
    if stage in ("words", "learn", "export") and not (plan.out / "vocabulary.json").exists():
        raise InputError(f"{plan.out}: has no vocabulary; run the stage draw first")
    if stage in ("words", "learn") and not all((plan.work / f"{split}.npy").exists() for split in SPLITS):
        raise InputError(f"{plan.work}: has no encoded pictures; run the stage draw first")
    if stage == "learn" and not plan.weights and not (plan.work / "language.safetensors").exists():
        raise InputError(f"{plan.work}: has no language model; run the stage words first, or give --weights")
    if stage == "see":
        train_encoder(plan)
    elif stage == "draw":
        prepare(plan, encoder)
    elif stage == "words":
        in_process(train_words, plan)
    elif stage == "learn":
        train_members(plan, members)
    elif stage == "pack":
        pack(plan, members)
    else:
        from experiments.tiny.export import export

        if absent := [name for name in members if not (plan.out / f"{name}.safetensors").is_file()]:
            raise InputError(
                f"{plan.out}: has no weights of {', '.join(absent)}; run the stage pack, or name others with --member"
            )
        export(plan.out, WEIGHTS, [name for name in members if name in FAMILY], plan.small)
        export(plan.out, plan.work / "ablations", [name for name in members if name not in FAMILY], plan.small)


def _stage(name: str) -> str:
    if name not in (*STAGES, "see", "export"):
        raise argparse.ArgumentTypeError(f"unknown stage '{name}'; choose from {', '.join(STAGES)}, see, export")
    return name


if __name__ == "__main__":
    main()
