"""Read captions. Their score, CIDEr, depends on all captions of a run (`metrics.cider`)."""

from collections.abc import Callable

from mmeval.types import Record, Score


def caption(read: Callable[[str], str]) -> Callable[[Record], Score]:
    """Return a scorer that only reads captions; their values depend on all captions (see `metrics.cider`)."""

    def judge(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        text = read(record.text).strip()
        return Score(None, "unscored", text) if text else Score(0.0, "unparsed")

    return judge
