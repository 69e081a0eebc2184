"""Pools of a few pictures that are never painted."""

from __future__ import annotations

from experiments.tiny.pool import Amounts, Item, Pool, Shown, plan
from mmeval.embedded import world

LEAST = Amounts(items=2, singles=1, pairs=2, rows=1, counted=36, clips=8)


def planned(split: world.Split) -> Pool:
    """Plan a pool whose pictures are never painted."""
    pool, jobs = plan(split, LEAST)
    for row, (subject, seed) in enumerate(jobs):
        if isinstance(subject, str) and isinstance(seed, int):
            view = world.draw(subject, seed, split)
            yes, no = view.pair
            item = Item(row, subject, ((yes, True), (no, False), *view.more), view.probes)
            pool.items.setdefault(subject, []).append(item)
            pool.shown[row] = Shown(view.caption, view.caption)
    return pool
