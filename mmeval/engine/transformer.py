"""Answer a stream of requests with an MMICL-shaped model: pictures encoded once, prompts batched by length.

BLIP-2 and InstructBLIP have the same parts with other prompts, so the adapters mmicl, blip2, instructblip and text run
here. While a GPU answers one batch, the pictures of the next are decoded and encoded; answers are read later.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice

import torch
from torch import Tensor

from mmeval.engine.batching import batches
from mmeval.engine.decoding import compare, write
from mmeval.engine.device import (
    Portions,
    copy_to_cpu_async,
    device_name,
    freed_memory_kept,
    give_back,
    is_out_of_memory,
    new_stream,
    on_stream,
)
from mmeval.engine.pictures import Encoded, PictureStore
from mmeval.engine.pixels import Pixels
from mmeval.engine.prompts import PreparedRequest, Prompts, Show
from mmeval.engine.windows import Prepared, Rows, scheduled
from mmeval.mmicl.context import Context, PromptError
from mmeval.mmicl.modeling import MmiclForConditionalGeneration, placed
from mmeval.mmicl.processing import MmiclProcessor
from mmeval.types import Generation, Image, InputError, Pieces, Request, Response

PRIORITY = -1
"""CUDA priority of the language model's stream, so its short kernels are not queued behind the vision encoder's."""
Read = Callable[[], list[Response]]
"""Waits for the answers of a batch and returns them."""
Answer = Callable[[Rows, Tensor, Tensor], Read]
"""Starts answering a batch of prompts, given their embeddings [B, L, D] and mask [B, L]."""


class TransformerModel:
    """A Model (mmeval.types) over MMICL's parts."""

    def __init__(
        self,
        model: MmiclForConditionalGeneration,
        processor: MmiclProcessor,
        *,
        name: str,
        introduce: Context,
        max_images: int | None,
        reads_instructions: bool = False,
        show: Show = "each",
        portions: Portions,
    ) -> None:
        """`reads_instructions`: the Q-Former reads the question's text; `show`: how pictures are shown."""
        model.train(False)
        self.model, self.processor, self.name = model, processor, name
        self.max_images = max_images if show == "each" else None
        self.pictures = PictureStore(self._values, self._encode, portions, model.device)
        self._pixels = Pixels(processor.image_processor)
        self.prompts = Prompts(processor, introduce, show, whole_context=model.config.decoder_only)
        self._window, self._batch_tokens, self._reads = portions.window, portions.batch_tokens, reads_instructions
        self._lowered = False
        self._stream = new_stream(model.device, PRIORITY)

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield answers, greedy or by beam search; the longest prompts of each window come first."""
        limit = generation.max_new_tokens

        def answer(rows: Rows, embeds: Tensor, mask: Tensor) -> Read:
            written = write(self.model.language_model, embeds, mask, generation)
            arrive = copy_to_cpu_async(written.ids, written.finite)

            def read() -> list[Response]:
                answers = zip(rows, *arrive(), strict=True)
                return [self._written(row, tokens, limit, steps) for row, tokens, steps in answers]

            return read

        return self._run(requests, answer, lambda request: limit)

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        """Answer one request; call `on_text` with each piece of text as it is written."""
        tokens, pieces = list[int](), Pieces(on_text)

        def show(token: int) -> None:
            tokens.append(token)
            pieces.grow(self.processor.decode(tokens))

        def answer(rows: Rows, embeds: Tensor, mask: Tensor) -> Read:
            written = write(self.model.language_model, embeds, mask, generation, show)
            limit = generation.max_new_tokens
            return lambda: [self._written(rows[0], written.ids[0].tolist(), limit, written.finite[0].tolist())]

        (response,) = self._run([request], answer, lambda request: generation.max_new_tokens)
        return pieces.end(response)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the sum of each candidate's token log-probabilities, without the end of sequence."""
        return self._run(requests, self._compared, self.prompts.longest_candidate)

    @property
    def session_facts(self) -> dict[str, str]:
        """Return the device, for the run's record of this session."""
        return {"device": device_name(self.model.device)}

    def preview(self, request: Request) -> Response:
        """Return the prompt as it would be sent, with [picture] for each picture, and its length, or an error."""
        try:
            return self.prompts.prepare(request).respond()
        except (PromptError, InputError) as error:
            return Response(request.id, error=str(error))

    def _written(self, row: PreparedRequest, ids: list[int], limit: int, finite: list[bool]) -> Response:
        """Make a response from new token ids; those after the first end of sequence are padding.

        It is an error if the scores at one of its tokens were not `finite`: the most likely token is then meaningless.
        """
        ends = self.model.language_model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        length = next((position for position, token in enumerate(ids, 1) if token in ends), None)
        reason = "length" if length is None and len(ids) >= limit else "stop"
        tokens = length or len(ids)
        if not all(finite[:tokens]):
            return row.respond(error="the model's scores are not finite numbers; try --dtype float32")
        text = self.processor.decode(ids).strip()
        return row.respond(text=text, finish_reason=reason, output_tokens=tokens)

    def _compared(self, rows: Rows, embeds: Tensor, mask: Tensor) -> Read:
        """Start computing the likelihoods of each prompt's candidates."""
        candidates = [[self.prompts.candidate(text) for text in row.request.candidates] for row in rows]
        sums = compare(self.model.language_model, embeds, mask, candidates, self._batch_tokens)
        arrive = copy_to_cpu_async(sums)

        def read() -> list[Response]:
            (values,) = map(iter, arrive())
            return [row.respond(loglikelihoods=tuple(islice(values, len(row.request.candidates)))) for row in rows]

        return read

    def _run(self, requests: Iterable[Request], answer: Answer, room: Callable[[Request], int]) -> Iterator[Response]:
        """Yield responses batch by batch; on a GPU, those of a batch once the next has started."""
        self.pictures.begin()
        most_underway = 1 if self.model.device.type == "cuda" else 0
        underway: deque[tuple[Rows, Read]] = deque()
        pending: Rows = []
        clock = time.perf_counter()
        with freed_memory_kept(self.model.device):
            prepared = (self._prepared(request, room) for request in requests)
            for item in chain(scheduled(prepared, self._window, self._planned), ([],)):
                if isinstance(item, Response):
                    yield item
                    continue
                if pending:
                    with on_stream(self._stream):
                        underway.append((pending, self._begin(pending, item, answer)))
                else:
                    self._see(item)
                pending = item
                while len(underway) > (most_underway if pending else 0):
                    rows, read = underway.popleft()
                    responses = read()
                    share = (time.perf_counter() - clock) / len(rows)
                    yield from (replace(response, seconds=share) for response in responses)
                    clock = time.perf_counter()

    def _planned(self, items: Iterable[Prepared]) -> tuple[list[Response], list[Rows]]:
        """Sort prompts into batches and start decoding their pictures; also return the errors among the items."""
        give_back(self.model.device)
        errors, prompts = list[Response](), list[PreparedRequest]()
        for item in items:
            if isinstance(item, Response):
                errors.append(item)
            else:
                prompts.append(item)
        index_batches = batches([len(prompt.tokens.ids) for prompt in prompts], self._batch_tokens)
        plan = [[prompts[index] for index in batch] for batch in index_batches]
        self.pictures.expect(prompt.flat.pictures for rows in plan for prompt in rows)
        return errors, plan

    def _prepared(self, request: Request, room: Callable[[Request], int]) -> Prepared:
        try:
            return self.prompts.prepare(request, room(request))
        except (PromptError, InputError) as error:
            return Response(request.id, error=str(error))

    @torch.inference_mode()
    def _begin(self, rows: Rows, following: Rows, answer: Answer) -> Read:
        """Start answering a batch; on a GPU, also start encoding the pictures of the next one."""
        encoded = self.pictures.get(digest for row in rows for digest in row.digests)
        refused: list[Response] = []
        ready: Rows = []
        for row in rows:
            unreadable = [item for digest in row.digests if isinstance(item := encoded[digest], InputError)]
            if unreadable:
                refused.append(row.respond(error=str(unreadable[0])))
            else:
                ready.append(row)
        self._see(following)
        reads = self._fitting(ready, encoded, answer) if ready else []
        for row in rows:
            self.pictures.release(row.digests)
        return lambda: [*refused, *(response for read in reads for response in read())]

    @torch.inference_mode()
    def _see(self, rows: Rows) -> None:
        """Start encoding the pictures of a coming batch on a GPU, which does its other work at the same time."""
        if self.model.device.type == "cuda":
            self.pictures.encode(digest for row in rows for digest in row.digests)

    def _fitting(self, rows: Rows, encoded: Mapping[str, Encoded], answer: Answer) -> list[Read]:
        """Start answering a batch; halve it if it does not fit in memory or one of its rows is refused."""
        size = len(rows) * max(len(row.tokens.ids) for row in rows)
        if len(rows) == 1 or size <= self._batch_tokens:
            try:
                return [answer(rows, *self._embed(rows, encoded))]
            except PromptError as error:  # a question too long for the Q-Former
                reason = str(error)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = "out of memory on this prompt alone; try --dtype bfloat16"
                self._lower(size // 2)
            if len(rows) == 1:
                refused = rows[0].respond(error=reason)
                return [lambda: [refused]]
        middle = len(rows) // 2
        return self._fitting(rows[:middle], encoded, answer) + self._fitting(rows[middle:], encoded, answer)

    def _lower(self, tokens: int) -> None:
        """Limit later batches to this many tokens, half the size of a batch that did not fit in memory."""
        if not self._lowered:
            logging.getLogger(__name__).warning(
                "out of memory: batches are smaller from now on; --batch-tokens sets their size"
            )
        self._lowered, self._batch_tokens = True, max(1, min(self._batch_tokens, tokens))

    def _embed(self, rows: Rows, encoded: Mapping[str, Encoded]) -> tuple[Tensor, Tensor]:
        """Embed prompts [B, L, D] with the pictures in place; also return their mask [B, L]."""
        device = self.model.device
        batch = self.processor.batch([row.tokens for row in rows])
        pictures = [encoded[digest] for row in rows for digest in row.digests]
        tensors = [item for item in pictures if isinstance(item, Tensor)]
        if not tensors:
            visual = torch.zeros(0, device=device, dtype=self.model.dtype)
        elif self._reads:
            text = self.processor.qformer_batch([row.flat.text for row in rows for _ in row.digests])
            visual = self.model.query(torch.stack(tensors), **{k: placed(v, device) for k, v in text.items()})
        else:
            visual = torch.stack(tensors)
        counts = torch.tensor([len(row.digests) for row in rows])
        return self.model.merge(batch["input_ids"], visual, counts), placed(batch["attention_mask"], device)

    def _values(self, picture: Image) -> Tensor:
        return self._pixels.resized(picture.decode())

    def _encode(self, values: Tensor) -> Tensor:
        """Encode pictures as visual tokens [P, T, D], or as vision states [P, V, Dv] if the Q-Former reads."""
        pixels = self._pixels.normalized(placed(values, self.model.device), self.model.dtype)
        states = self.model.encode(pixels)
        encoded: Tensor = states if self._reads else self.model.query(states)
        return encoded
