"""Answer many requests with an MMICL-shaped model: pictures encoded once, prompts batched by length.

BLIP-2 and InstructBLIP are the same parts with other prompts, so all adapters but `constant` run here.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LogitsProcessorList
from transformers.modeling_outputs import BaseModelOutput

from mmeval.engine.device import is_out_of_memory
from mmeval.engine.pictures import Encoded, PictureStore
from mmeval.engine.prompts import Flat, Show, flatten
from mmeval.mmicl.context import Context, PromptError
from mmeval.mmicl.modeling import MmiclForConditionalGeneration
from mmeval.mmicl.processing import EncodedPrompt, MmiclProcessor, padded
from mmeval.types import Generation, Image, InputError, Request, Response

WINDOW = 512
"""Requests that are sorted by length together."""
EncodedImages = Mapping[str, Encoded]
"""What the picture store has, by digest."""


@dataclass(frozen=True)
class PreparedRequest:
    """A request as the model reads it."""

    request: Request
    tokens: EncodedPrompt
    flat: Flat
    digests: tuple[str, ...]
    """Of the pictures, in the order in which they are shown; one that is shown twice stands here twice."""

    def respond(self, **facts: Any) -> Response:
        """Make a response that names the prompt that was sent."""
        return Response(self.request.id, sent=self.tokens.text, input_tokens=len(self.tokens.ids), **facts)


Answer = Callable[[Sequence[PreparedRequest], Tensor, Tensor], list[Response]]
"""Answers the prompts of one batch, in their order, given their embeddings [B, L, D] and mask [B, L]."""


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
        batch_tokens: int,
    ) -> None:
        """Take a model; `reads_instructions`: its Q-Former is given the text; `show`: how pictures are shown."""
        model.train(False)
        self.model, self.processor, self.name = model, processor, name
        self.max_images = max_images if show == "each" else None
        self.pictures = PictureStore(self._pixels, self._encode)
        self._introduce, self._batch_tokens = introduce, batch_tokens
        self._reads, self._show = reads_instructions, show

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield greedy or beam answers, longest prompts first; errors come before them."""
        limit = generation.max_new_tokens
        options = {"do_sample": False, "num_beams": generation.beams, "max_new_tokens": limit}

        def answer(rows: Sequence[PreparedRequest], embeds: Tensor, mask: Tensor) -> list[Response]:
            finite: list[Tensor] = []

            def look(_: Tensor, scores: Tensor) -> Tensor:
                finite.append(scores.amax(-1).isfinite())  # read at the end: a GPU is not waited for at every step
                return scores

            ids = self.model.language_model.generate(
                inputs_embeds=embeds, attention_mask=mask, logits_processor=LogitsProcessorList([look]), **options
            )
            whole = torch.stack(finite, 1).view(len(rows), -1, len(finite)).all(1)  # [B, beams, S] -> [B, S]
            answers = zip(rows, ids.tolist(), whole.tolist(), strict=True)
            return [self._written(row, tokens, limit, steps) for row, tokens, steps in answers]

        return self._run(requests, answer, lambda request: limit)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the sum of each candidate's token log-probabilities, its end of sequence left out.

        An encoder reads each prompt once; decoder-only models read it again for every candidate.
        """
        return self._run(requests, self._compared, self._longest)

    def preview(self, request: Request) -> Response:
        """Write the prompt as it would be sent, pictures as [picture], with its length; or why it cannot be sent."""
        try:
            return self._prompt(request).respond()
        except (PromptError, InputError) as error:
            return Response(request.id, error=str(error))

    def _written(self, row: PreparedRequest, ids: list[int], limit: int, finite: list[bool]) -> Response:
        """Make a response of new token ids; those after the first end of sequence are padding.

        It is an error where the scores of one of its tokens were not `finite`: the most likely token means nothing.
        """
        start = 0 if self.model.config.decoder_only else 1  # a T5's begin with the decoder's start token
        ends = self.model.language_model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        length = next((place for place, token in enumerate(ids[start:], 1) if token in ends), None)
        reason = "length" if length is None and len(ids) - start >= limit else "stop"
        tokens = length or len(ids) - start
        if not all(finite[:tokens]):
            return row.respond(error="the model's scores are not finite numbers; try --dtype float32")
        text = self.processor.decode(ids).strip()
        return row.respond(text=text, finish_reason=reason, output_tokens=tokens)

    def _prompt(self, request: Request, room: int = 0) -> PreparedRequest:
        """Prepare a request whose answer needs `room` tokens at most.

        Raises PromptError where both together are too long, InputError where a picture cannot be read.
        """
        flat = flatten(request, self._show)
        tokens = self.processor.prompt(flat.parts, self._introduce)
        limit = self.processor.settings.max_prompt_tokens if self.model.config.decoder_only else None
        if limit is not None and len(tokens.ids) + room > limit:
            raise PromptError(
                f"the prompt has {len(tokens.ids)} tokens and its answer {room} at most, but the model reads {limit} "
                "in all; shorten it"
            )
        return PreparedRequest(request, tokens, flat, tuple(picture.digest for picture in flat.pictures))

    def _longest(self, request: Request) -> int:
        """Count the tokens of the longest candidate. Raises PromptError where one has none."""
        lengths = [len(self.processor.tokenizer.encode(text)) for text in request.candidates]
        if not lengths or 0 in lengths:
            raise PromptError("there is nothing to compare; give at least one candidate, and none without words")
        return max(lengths)

    def _run(self, requests: Iterable[Request], answer: Answer, room: Callable[[Request], int]) -> Iterator[Response]:
        stream = iter(requests)
        while window := list(islice(stream, WINDOW)):
            yield from self._run_window(window, answer, room)

    def _run_window(
        self, requests: Sequence[Request], answer: Answer, room: Callable[[Request], int]
    ) -> Iterator[Response]:
        prompts: list[PreparedRequest] = []
        for request in requests:
            try:
                prompts.append(self._prompt(request, room(request)))
            except (PromptError, InputError) as error:
                yield Response(request.id, error=str(error))
        with torch.inference_mode():
            encoded = self.pictures.get(picture for prompt in prompts for picture in prompt.flat.pictures)
        ready = []
        for prompt in prompts:
            unreadable = [item for digest in prompt.digests if isinstance(item := encoded[digest], InputError)]
            if unreadable:
                yield prompt.respond(error=str(unreadable[0]))
            else:
                ready.append(prompt)
        for batch in batches([len(prompt.tokens.ids) for prompt in ready], self._batch_tokens):
            rows = [ready[index] for index in batch]
            began = time.perf_counter()
            with torch.inference_mode():
                responses = self._answer(rows, encoded, answer)
            share = (time.perf_counter() - began) / len(rows)
            yield from (replace(response, seconds=share) for response in responses)

    def _answer(self, rows: Sequence[PreparedRequest], encoded: EncodedImages, answer: Answer) -> list[Response]:
        """Answer a batch; one that does not fit in memory, or has a row that is refused, is halved."""
        try:
            return answer(rows, *self._embed(rows, encoded))
        except PromptError as error:  # a question longer than the Q-Former reads
            reason = str(error)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            reason = "out of memory on this prompt alone; try --dtype bfloat16"
        if len(rows) == 1:
            return [rows[0].respond(error=reason)]
        middle = len(rows) // 2
        return self._answer(rows[:middle], encoded, answer) + self._answer(rows[middle:], encoded, answer)

    def _embed(self, rows: Sequence[PreparedRequest], encoded: EncodedImages) -> tuple[Tensor, Tensor]:
        """Embed prompts [B, L, D] with the pictures in place, and return their mask [B, L], too."""
        device = self.model.device
        batch = self.processor.batch([row.tokens for row in rows])
        shown = [encoded[digest] for row in rows for digest in row.digests]
        tensors = [item for item in shown if isinstance(item, Tensor)]
        if not tensors:
            visual = torch.zeros(0, device=device, dtype=self.model.dtype)
        elif self._reads:
            text = self.processor.qformer_batch([row.flat.text for row in rows for _ in row.digests])
            visual = self.model.query(torch.stack(tensors), **{k: v.to(device) for k, v in text.items()})
        else:
            visual = torch.stack(tensors)
        counts = torch.tensor([len(row.digests) for row in rows])
        return self.model.merge(batch["input_ids"].to(device), visual, counts), batch["attention_mask"].to(device)

    def _compared(self, prompts: Sequence[PreparedRequest], embeds: Tensor, mask: Tensor) -> list[Response]:
        """Compute log-likelihoods of each prompt's candidates."""
        language, encode = self.model.language_model, self.processor.tokenizer.encode
        candidates = [prompt.request.candidates for prompt in prompts]
        rows = torch.tensor([row for row, texts in enumerate(candidates) for _ in texts], device=embeds.device)
        tokens = [encode(text) for texts in candidates for text in texts]
        real = padded([[1] * len(row) for row in tokens]).to(embeds.device)
        ids = padded(tokens).to(embeds.device)  # [C, S], C candidates in all
        if self.model.config.decoder_only:
            joined = torch.cat([embeds[rows], language.get_input_embeddings()(ids)], dim=1)
            whole = torch.cat([mask[rows], real], dim=1)
            positions = (whole.cumsum(1) - 1).clamp(min=0)
            logits = language(inputs_embeds=joined, attention_mask=whole, position_ids=positions).logits
            logits = logits[:, -ids.shape[1] - 1 : -1]
        else:
            states = language.get_encoder()(inputs_embeds=embeds, attention_mask=mask).last_hidden_state
            encoded = BaseModelOutput(last_hidden_state=states[rows])
            logits = language(encoder_outputs=encoded, attention_mask=mask[rows], labels=ids).logits
        each = -functional.cross_entropy(logits.float().transpose(1, 2), ids, reduction="none")
        sums = iter((each * real).sum(1).tolist())
        return [
            prompt.respond(loglikelihoods=tuple(islice(sums, len(prompt.request.candidates)))) for prompt in prompts
        ]

    def _pixels(self, picture: Image) -> Tensor:
        return self.processor.pixels([picture.decode()])[0]

    def _encode(self, pixels: Tensor) -> Tensor:
        """Encode pictures as visual tokens [P, T, D], or as vision states [P, V, Dv] if the Q-Former reads."""
        states = self.model.encode(pixels.to(self.model.device, self.model.dtype))
        kept: Tensor = states if self._reads else self.model.query(states)
        return kept


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Put indices into batches, longest first, so that running out of memory shows at once.

    A batch's padded size (its rows times its longest) stays within the budget; a row that is longer goes alone.
    """
    plan: list[list[int]] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if plan and (len(plan[-1]) + 1) * longest <= budget:
            plan[-1].append(index)
        else:
            plan.append([index])
            longest = lengths[index]
    return plan
