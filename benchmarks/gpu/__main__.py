"""Speed of MMICL and InstructBLIP at Flan-T5-XL's size on one GPU: the whole, its parts, the share of the peak.

`make bench-gpu`. MME's shape is 2,374 questions about 1,187 JPEGs of 500 x 400 pixels; MMBench's is questions with
four options, each asked at four rotations. Weights are random and made on the device, so nothing is downloaded. Answers
end only at the token limit. Every row is printed as soon as it is measured.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.gpu.bench import ASKED, Bench, matmul_peak, say
from benchmarks.gpu.made import SIZES
from benchmarks.options import count, listed, names
from mmeval.engine.device import PORTIONS

GROUPS = (
    "mmicl",
    "rotations",
    "instructblip",
    "sixteen",
    "waits",
    "profile",
    "parts",
    "priority",
    "portions",
    "threads",
    "compile",
)
"""In the order in which they are measured."""
USUAL = GROUPS[:9]
Row = tuple[str, Callable[[], object]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print each row at once. Exits with status 1 if a row fails."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="xl", help="small runs anywhere")
    parser.add_argument("--rows", type=names(GROUPS), default=",".join(USUAL), help=f"any of {','.join(GROUPS)}")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no row after so many seconds")
    parser.add_argument("--batch-tokens", type=count, help="padded prompt tokens in a batch; None: the device's")
    parser.add_argument("--pictures", type=count, help="pictures in a batch of the vision encoder; None: the device's")
    parser.add_argument("--threads", type=listed(count), default="4,8,16", help="decoding threads in the rows threads")
    parser.add_argument("--profile", type=Path, default=Path("gpu-profile.txt"), help="file for the rows 'profile'")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    changes = {"batch_tokens": options.batch_tokens, "pictures": options.pictures}
    portions = replace(PORTIONS[device.type], **{name: value for name, value in changes.items() if value is not None})
    peak = matmul_peak(device)
    bench = Bench(SIZES[options.size], device, portions, peak)
    say(f"{bench.machine()}; made in {time.perf_counter() - began:.1f} s")
    say(f"bfloat16 matrix products: {peak / 1e12:.0f} TFLOP/s" if peak else "no GPU: float32, no share of a peak")
    say("\n| what | asked | seconds | questions/s | share of the peak |\n|---|---|---:|---:|---:|")
    failed = False
    for group, measure in rows(bench, options.threads, options.profile):
        if group not in options.rows:
            continue
        if time.perf_counter() - began > options.seconds:
            sys.exit(f"\n{options.seconds:g} s are over; not measured: {group} and what follows")
        try:
            measure()
        except Exception:  # one row's failure must not cost the others a GPU's time
            failed = True
            say(f"| a row of '{group}' failed | | | | |")
            traceback.print_exc()
    if device.type == "cuda":
        say(f"\npeak memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    sys.exit(1 if failed else 0)


def rows(bench: Bench, threads: Sequence[int], file: Path) -> list[Row]:
    """Return all rows, the most important first."""
    three, sixteen, likelihood = ASKED
    both = (likelihood, three)
    rotated, instructblip = "mmicl, MMBench's rotations", "instructblip"
    portions = ({"batch_tokens": 32768}, {"pictures": 32}, {"pictures": 128})
    return [
        *(("mmicl", partial(bench.whole, "mmicl", bench.questions, asked)) for asked in (three, likelihood)),
        *(("rotations", partial(bench.whole, "mmicl", bench.turned, asked, rotated)) for asked in both),
        *(("instructblip", partial(bench.whole, instructblip, bench.questions, asked)) for asked in both),
        ("sixteen", partial(bench.whole, "mmicl", bench.questions, sixteen)),
        ("waits", bench.waits),
        ("profile", partial(bench.profile, file)),
        ("parts", bench.picture_parts),
        *(("parts", partial(bench.language_part, asked)) for asked in (likelihood, three, sixteen)),
        *(("priority", partial(bench.without_priority, asked)) for asked in both),
        *(("portions", partial(bench.with_portions, changes, asked)) for changes in portions for asked in both),
        *(("threads", partial(bench.with_threads, n, asked)) for n in threads for asked in both),
        ("compile", bench.compiled),
    ]


if __name__ == "__main__":
    main()
