"""The description of a GPU's work in `benchmarks/gpu`."""

from __future__ import annotations

from benchmarks.gpu.profiling import Span, described, gaps


def test_a_gap_is_where_no_stream_works() -> None:
    kernels = [Span("a", 0, 10), Span("long", 2, 30), Span("b", 12, 14), Span("c", 35, 40), Span("d", 40, 50)]
    assert gaps(kernels) == [Span("long | c", 30, 35)]
    text = described(reversed(kernels), [Span("cudaStreamSynchronize", 0, 5_000)])
    assert "0.1 ms, of which the GPU works 90.0%" in text
    assert "5.0       1  cudaStreamSynchronize" in text
    assert "1 gaps" in text and "long | c" in text


def test_nothing_recorded_is_reported() -> None:
    assert described([], []) == "the profiler recorded no kernel"
