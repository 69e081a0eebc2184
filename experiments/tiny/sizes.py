"""The sizes of the tiny models: those that ship, and smaller ones for a CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sizes:
    """The model's sizes: under eight million parameters, less than 15 MB in bfloat16."""

    vocabulary: int
    reads: bool = False
    """Whether the Q-Former reads the question (InstructBLIP's)."""
    picture: int = 96
    patch: int = 16
    stem: tuple[int, ...] = (32, 64, 128, 192)
    vision: int = 192
    vision_layers: int = 3
    vision_ffn: int = 576
    visual_tokens: int = 16
    query: int = 192
    query_layers: int = 2
    query_ffn: int = 512
    query_heads: int = 6
    longest: int = 1024
    language: int = 256
    layers: int = 5
    heads: int = 4
    ffn: int = 640
    rope_theta: float = 1000.0


def sizes_of(vocabulary: int, reads: bool, small: bool) -> Sizes:
    """Return the family's sizes; `small`: sizes that a CPU trains in a few hours."""
    sizes = Sizes(vocabulary, reads)
    if not small:
        return sizes
    queries = replace(sizes, visual_tokens=8, query=128, query_ffn=256, query_heads=4)
    return replace(queries, language=128, layers=4, ffn=384)
