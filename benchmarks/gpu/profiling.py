"""Where the time of a GPU goes: the share in which it works, its longest kernels, and what happened before it idled."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile

LINES = 15
WIDTH = 110
"""Characters of a kernel's name."""


@dataclass(frozen=True)
class Span:
    """A kernel, a copy, or a call of the driver, in microseconds."""

    name: str
    begin: float
    end: float


def profiled(work: Callable[[], object]) -> str:
    """Run `work` on a GPU and describe what the GPU did, in plain text.

    The profiler records kernels and the driver's calls, but no operations of torch, which would slow the host.
    """
    with profile(activities=[ProfilerActivity.CUDA]) as recorded:
        work()
        torch.cuda.synchronize()
    kernels, calls = list[Span](), list[Span]()
    for event in recorded.events():
        span = Span(event.name, event.time_range.start, event.time_range.end)
        (calls if event.device_type.name == "CPU" else kernels).append(span)
    return described(kernels, calls)


def described(kernels: Iterable[Span], calls: Iterable[Span]) -> str:
    """Describe the kernels of all streams, and the driver's calls."""
    kernels = sorted(kernels, key=lambda span: span.begin)
    if not kernels:
        return "the profiler recorded no kernel"
    duration = max(span.end for span in kernels) - kernels[0].begin
    idle = gaps(kernels)
    busy = 1 - sum(gap.end - gap.begin for gap in idle) / duration
    lines = [f"from the first to the last kernel {duration / 1e3:.1f} ms, of which the GPU works {busy:.1%}"]
    lines += ["", "kernels, all streams: ms, calls", *totals(kernels)]
    lines += ["", "calls of the driver: ms, calls", *totals(calls)]
    lines += ["", f"{len(idle)} gaps; the longest: ms, at ms, the kernel before and the one after"]
    for gap in sorted(idle, key=lambda gap: gap.begin - gap.end)[:LINES]:
        lines.append(f"{(gap.end - gap.begin) / 1e3:9.3f} {(gap.begin - kernels[0].begin) / 1e3:9.1f}  {gap.name}")
    return "\n".join(lines)


def gaps(kernels: Iterable[Span]) -> list[Span]:
    """Return the times in which no kernel runs, named after the kernels around them; `kernels` in order of begin."""
    idle, last = list[Span](), None
    for span in kernels:
        if last is not None and span.begin > last.end:
            idle.append(Span(f"{last.name[: WIDTH // 2]} | {span.name[: WIDTH // 2]}", last.end, span.begin))
        if last is None or span.end > last.end:
            last = span
    return idle


def totals(spans: Iterable[Span]) -> list[str]:
    """Return the longest in total, a line each."""
    total, count = defaultdict[str, float](float), defaultdict[str, int](int)
    for span in spans:
        total[span.name] += span.end - span.begin
        count[span.name] += 1
    longest = sorted(total, key=lambda name: -total[name])[:LINES]
    return [f"{total[name] / 1e3:9.1f} {count[name]:7,}  {name[:WIDTH]}" for name in longest]


def places_of(caught: Iterable[warnings.WarningMessage]) -> str:
    """Return how often each line of code waited for the GPU, as torch warned; other warnings do not count."""
    waits = (warning for warning in caught if "called a synchronizing CUDA operation" in str(warning.message))
    lines = Counter(f"{'/'.join(warning.filename.split('/')[-3:])}:{warning.lineno}" for warning in waits)
    return "; ".join(f"{count} x {line}" for line, count in lines.items()) or "none"
