"""Turn requests into batches of rows, lazily: sorted by length in a window, pictures prepared one batch ahead.

A request has one row, or one per sampled answer; it is answered once all its rows are.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import torch
from PIL import Image as PILImage

from mmeval.engine.batching import batches
from mmeval.engine.device import is_out_of_memory
from mmeval.machine import cores
from mmeval.models.chat.template import Film
from mmeval.types import Image, InputError, Request, Response, one_line

WINDOW = 256
"""Requests read ahead, to sort them by length with bounded memory."""
AHEAD = 1
"""Batches whose pictures are prepared while the model answers another."""

OUT_OF_MEMORY = "out of memory on this prompt alone; try smaller pictures, --dtype bfloat16 or --quantize 4bit"
REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Errors that transformers and timm raise, besides RuntimeError, for a prompt that does not fit the model."""

log = logging.getLogger("mmeval")


@dataclass
class Prompt:
    """A request in the form that is sent, and the results of its rows so far."""

    request: Request
    text: str
    pictures: tuple[Image, ...]
    films: tuple[Film, ...]
    tokens: int
    """Of the text alone, without pictures."""
    rows: int = 1
    length: int = 0
    """Tokens including pictures, known once the tensors are made."""
    seconds: float = 0.0
    error: str | None = None
    results: dict[int, Any] = field(default_factory=dict)
    """PromptRow number -> its result."""

    @property
    def images(self) -> tuple[Image, ...]:
        """All pictures and frames to decode."""
        return (*self.pictures, *chain.from_iterable(self.films))


@dataclass(frozen=True)
class PromptRow:
    """One row of a batch."""

    prompt: Prompt
    number: int = 0
    room: int = 0
    """Maximum tokens of its answer."""


@dataclass(frozen=True)
class Batch:
    """Rows with the processor's tensors, or an error."""

    rows: Sequence[PromptRow]
    inputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


Answer = Callable[[Batch], list[Any]]
"""Returns one result per row of a batch."""


class Batcher:
    """Turns rows into batches of a processor's tensors and collects the model's results."""

    def __init__(self, processor: Any, budget: int, context: int | None) -> None:
        """`budget`: padded tokens in a batch; `context`: maximum tokens of a prompt and its answer."""
        self.processor, self.budget, self.context = processor, budget, context
        self._per_picture = 256.0  # running mean of tokens per picture, to estimate batch sizes
        self._warned = False

    def run(self, prepared: Iterable[Response | list[PromptRow]], answer: Answer) -> Iterator[Response | Prompt]:
        """Yield the error responses among `prepared`, and each prompt once all its rows have results."""
        with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(cores()) as decoders:
            waiting: deque[Future[list[Batch]]] = deque()
            for item in self._plan_batches(prepared):
                if isinstance(item, Response):
                    yield item
                    continue
                waiting.append(pool.submit(self._make_batches, item, decoders))
                if len(waiting) > AHEAD:
                    yield from self._answer_batches(waiting.popleft().result(), answer, pool, decoders)
            while waiting:
                yield from self._answer_batches(waiting.popleft().result(), answer, pool, decoders)

    def _plan_batches(self, prepared: Iterable[Response | list[PromptRow]]) -> Iterator[Response | list[PromptRow]]:
        prepared = iter(prepared)
        while window := list(islice(prepared, WINDOW)):
            rows = []
            for item in window:
                if isinstance(item, Response):
                    yield item
                else:
                    rows += item
            groups: dict[tuple[int, int], list[PromptRow]] = {}
            for row in rows:  # Mllama's results change if pictures are padded, and it skips layers if there are none
                groups.setdefault((len(row.prompt.pictures), len(row.prompt.films)), []).append(row)
            for group in groups.values():
                for plan in batches([self._estimate(row) for row in group], self.budget):
                    yield [group[index] for index in plan]

    def _estimate(self, row: PromptRow) -> int:
        return row.prompt.tokens + round(self._per_picture * len(row.prompt.images))

    def _count_pictures(self, rows: Sequence[PromptRow]) -> None:
        """Update the estimate, when a batch is answered: the next batches must not depend on the threads' timing."""
        for prompt in (row.prompt for row in rows if row.prompt.images and row.prompt.length):
            mean = (prompt.length - prompt.tokens) / len(prompt.images)
            self._per_picture += 0.1 * (mean - self._per_picture)

    def _make_batches(self, rows: Sequence[PromptRow], decoders: ThreadPoolExecutor) -> list[Batch]:
        """Make the tensors of rows; each row with an unreadable picture becomes a batch with an error."""
        pictures = {picture.digest: picture for row in rows for picture in row.prompt.images}
        pixels = dict(zip(pictures, decoders.map(_decoded, pictures.values()), strict=True))
        bad, good = [], []
        for row in rows:
            decoded = [pixels[picture.digest] for picture in row.prompt.images]
            errors = [item for item in decoded if isinstance(item, InputError)]
            if errors:
                bad.append(Batch([row], error=str(errors[0])))
            else:
                good.append(row)
        return bad + (self._process(good, pixels) if good else [])

    def _process(self, rows: Sequence[PromptRow], pixels: dict[str, Any]) -> list[Batch]:
        """Process rows together; split them in halves if that fails or exceeds the budget."""
        texts = [row.prompt.text for row in rows]
        pictures = [[pixels[picture.digest] for picture in row.prompt.pictures] for row in rows]
        films = [[(pixels[frame.digest], frame.seconds) for frame in film] for row in rows for film in row.prompt.films]
        try:
            inputs = self.processor(texts, pictures, films)
        except (RuntimeError, *REFUSALS) as error:
            if len(rows) == 1:
                return [Batch(rows, error=f"the model's processor refuses the prompt: {one_line(error)}")]
            return self._halves(rows, lambda half: self._process(half, pixels))
        lengths = inputs["attention_mask"].sum(1).tolist()
        for row, length in zip(rows, lengths, strict=True):
            row.prompt.length = length
        fits = [self._fits(row) for row in rows]
        if not all(fits):
            long = [Batch([row], error=self._too_long(row)) for row, fit in zip(rows, fits, strict=True) if not fit]
            fitting = [row for row, fit in zip(rows, fits, strict=True) if fit]
            return long + (self._process(fitting, pixels) if fitting else [])
        if self._is_too_large(rows):  # its pictures are larger than estimated
            return self._halves(rows, lambda half: self._process(half, pixels))
        return [Batch(rows, inputs)]

    def _is_too_large(self, rows: Sequence[PromptRow]) -> bool:
        return len(rows) > 1 and _size(rows) > 1.5 * self.budget

    def _fits(self, row: PromptRow) -> bool:
        return self.context is None or row.prompt.length + row.room <= self.context

    def _too_long(self, row: PromptRow) -> str:
        return (
            f"the prompt has {row.prompt.length:,} tokens and its answer up to {row.room:,}, "
            f"but the model's context is {self.context:,}; shorten the prompt or the answer (--max-new-tokens), "
            "or show fewer or smaller pictures"
        )

    def _answer_batches(
        self, prepared: Iterable[Batch], answer: Answer, pool: ThreadPoolExecutor, decoders: ThreadPoolExecutor
    ) -> Iterator[Prompt]:
        for batch in prepared:
            self._count_pictures(batch.rows)
            began = time.perf_counter()
            results, reason = self._try_answer(batch, answer)
            if results is None and len(batch.rows) > 1:
                if reason == OUT_OF_MEMORY:
                    self._lower(batch)
                for half in self._halves(batch.rows, lambda half: [half]):
                    again = pool.submit(self._make_batches, half, decoders).result()
                    yield from self._answer_batches(again, answer, pool, decoders)
                continue
            share = (time.perf_counter() - began) / len(batch.rows)
            for index, row in enumerate(batch.rows):
                prompt = row.prompt
                prompt.error = prompt.error or batch.error or reason
                prompt.results[row.number] = None if results is None else results[index]
                prompt.seconds += share
                if len(prompt.results) == prompt.rows:
                    yield prompt

    def _try_answer(self, batch: Batch, answer: Answer) -> tuple[list[Any] | None, str | None]:
        """Return the results, or None and the reason; None for both if the budget was lowered since it was made."""
        if batch.error is not None:
            return [None] * len(batch.rows), None
        if self._is_too_large(batch.rows):
            return None, None
        try:
            return answer(batch), None
        except (RuntimeError, MemoryError, *REFUSALS) as error:
            if not is_out_of_memory(error):
                if isinstance(error, torch.AcceleratorError):  # the device is lost for the other prompts too
                    raise
                return None, f"the model fails on the prompt: {one_line(error)}"
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None, OUT_OF_MEMORY

    def _lower(self, batch: Batch) -> None:
        """Lower the budget below the batch that did not fit, for the rest of the run; warn once."""
        self.budget = max(1, min(self.budget, _size(batch.rows) // 2))
        if not self._warned:
            log.warning("out of memory; batches are smaller from now on (--batch-tokens %d avoids this)", self.budget)
            self._warned = True

    @staticmethod
    def _halves(rows: Sequence[PromptRow], do: Callable[[Sequence[PromptRow]], list[Any]]) -> list[Any]:
        middle = len(rows) // 2
        return [*do(rows[:middle]), *do(rows[middle:])]


def _size(rows: Sequence[PromptRow]) -> int:
    """Return the padded tokens of rows."""
    return max(row.prompt.length for row in rows) * len(rows)


def _decoded(picture: Image) -> PILImage.Image | InputError:
    try:
        return picture.decode()
    except InputError as error:
        return error
