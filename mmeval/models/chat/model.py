"""Answer requests with a chat model of transformers: texts, sampled answers, reasoning, candidates' likelihoods."""

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import GenerationMixin, LogitsProcessorList, StoppingCriteriaList

from mmeval.engine.device import device_name
from mmeval.models.chat.batching import Batch, Batcher, Prompt, PromptRow
from mmeval.models.chat.films import ALONE, of_films
from mmeval.models.chat.likelihood import Tokens, compare
from mmeval.models.chat.steps import Draw, Finite, Lengths, NewTokens, Presence, seed_of
from mmeval.models.chat.template import ChatTemplate
from mmeval.models.chat.vision import Vision, prepared_once
from mmeval.reasoning import split, tagged
from mmeval.types import FinishReason, Generation, InputError, Pieces, Request, Response

DROPS_PROCESSORS = {"janus"}
"""Model types whose own `generate` ignores logits processors."""
SEES_PADDING = {"emu3"}
"""Model types whose answer depends on the size to which a batch's pictures are padded."""


class ChatAnswer(NamedTuple):
    """An answer without its reasoning, the reasoning, why it ended, and the tokens of both."""

    text: str
    reasoning: str
    finish_reason: FinishReason
    tokens: int


class ChatModel:
    """A Model (mmeval.types) over any checkpoint of AutoModelForImageTextToText."""

    max_images: int | None = None  # a prompt that is too long for the model's context gets an error

    def __init__(
        self,
        model: Any,
        processor: Any,
        template: ChatTemplate,
        *,
        name: str,
        batch_tokens: int,
        images: dict[str, Any],
        vision: Vision,
        revision: str | None = None,
    ) -> None:
        """`images`: options of the image processor; `revision`: the commit of a model from the hub."""
        self.model, self.processor, self.template = model, processor, template
        self.name, self._revision = name, revision
        text = model.config.get_text_config(decoder=True)
        context = getattr(text, "max_position_embeddings", None)
        self.batcher = Batcher(self._inputs, batch_tokens, context)
        self._images, self.vision = images, vision
        if self.vision.shares:
            prepared_once(processor)
        self._tokenizer = copy.deepcopy(processor.tokenizer)  # the original is used in another thread
        self._pad = self._tokenizer.pad_token_id
        names = getattr(processor, "model_input_names", ())  # an AttributeError without a video processor in some
        accepts = inspect.signature(model.forward).parameters
        self._needs_kinds = "mm_token_type_ids" in names and "mm_token_type_ids" in accepts
        """Whether the model takes the kind of each token, text or picture, which Cosmos's processor leaves out."""
        ends = model.generation_config.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends]) - {None} or {self._tokenizer.eos_token_id}

    def generate(self, requests: Iterable[Request], generation: Generation) -> Iterator[Response]:
        """Yield answers as they come: greedy, by beam search, or sampled."""
        return self._answers(requests, generation)

    def stream(self, request: Request, generation: Generation, on_text: Callable[[str], object]) -> Response:
        """Answer one request; call `on_text` with each piece, or once if there are beams or samples."""
        pieces = Pieces(on_text)
        grow = pieces.grow if generation.beams == generation.samples == 1 else None
        (response,) = self._answers([request], generation, grow)
        return pieces.end(response)

    def _answers(
        self, requests: Iterable[Request], generation: Generation, on_answer: Callable[[str], object] | None = None
    ) -> Iterator[Response]:
        """Yield answers. `on_answer` is called with the answer so far at each of its tokens."""

        def rows(request: Request) -> list[PromptRow]:
            prompt = self._prompt(request, generation.samples)
            thinking = generation.thinking_tokens if self.template.opened else 0
            room = generation.max_new_tokens + thinking
            return [PromptRow(prompt, number, room=room) for number in range(generation.samples)]

        def answer(batch: Batch) -> list[ChatAnswer | None]:
            return self._written(batch, generation, on_answer)

        for item in self.batcher.run(self._rows(requests, rows), answer):
            yield item if isinstance(item, Response) else self._finished(item)

    def loglikelihood(self, requests: Iterable[Request]) -> Iterator[Response]:
        """Yield the sum of each candidate's token log-probabilities, without the end of turn.

        Raises InputError if the chat template opens reasoning: no candidate would directly follow it.
        """
        if self.template.opened:
            raise InputError(
                f"{self.name}: its chat template begins with reasoning, so candidates cannot be compared; "
                "try --thinking off"
            )

        def rows(request: Request) -> list[PromptRow]:
            return [PromptRow(self._prompt(request), room=max(map(len, self._candidates(request))))]

        for item in self.batcher.run(self._rows(requests, rows), self._compared):
            if isinstance(item, Response):
                yield item
            elif item.error is not None:
                yield self._respond(item, error=item.error)
            else:
                yield self._respond(item, loglikelihoods=item.results[0])

    @property
    def session_facts(self) -> dict[str, str]:
        """Return the device, and the commit of a model from the hub, for the run's record of this session."""
        device = {"device": device_name(self.model.device)}
        return device if self._revision is None else {**device, "model_commit": self._revision}

    def preview(self, request: Request) -> Response:
        """Return the prompt as it would be sent and its length, or an error if it cannot be sent."""
        try:
            prompt = self._prompt(request)
        except InputError as error:
            return Response(request.id, error=str(error))

        def nothing(batch: Batch) -> list[None]:
            return [None] * len(batch.rows)

        (done,) = self.batcher.run([[PromptRow(prompt)]], nothing)
        assert isinstance(done, Prompt)
        return self._respond(done, error=done.error)

    def _prompt(self, request: Request, rows: int = 1) -> Prompt:
        text, pictures, films = self.template.write(request)
        if pictures and films and self.model.config.model_type in ALONE:
            raise InputError("this model cannot take pictures and a video in one prompt; remove --context video")
        return Prompt(request, text, pictures, films, len(self._tokenizer(text)["input_ids"]), rows)

    def _candidates(self, request: Request) -> list[Tokens]:
        """Return each candidate's tokens. Raises InputError if there is no candidate, or one without tokens."""
        texts = [self.template.plain(text) for text in request.candidates]
        candidates = [tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
        if not candidates or () in candidates:
            raise InputError("there is nothing to compare; give at least one candidate, and no empty ones")
        return candidates

    def _rows(
        self, requests: Iterable[Request], rows: Callable[[Request], list[PromptRow]]
    ) -> Iterator[Response | list[PromptRow]]:
        for request in requests:
            try:
                yield rows(request)
            except InputError as error:
                yield Response(request.id, error=str(error))

    def _inputs(self, texts: list[str], pictures: list[list[Any]], films: list[list[Any]]) -> dict[str, Any]:
        """Return the processor's tensors of prompts, pictures and videos. Runs in its own thread."""
        bos = self._tokenizer.bos_token
        has_bos = bos is not None and texts[0].startswith(bos)
        encoded = self.processor(
            text=list(texts),
            images=pictures if any(pictures) else None,
            padding=True,
            return_tensors="pt",
            **({"add_special_tokens": False} if has_bos else {}),
            **({"images_kwargs": dict(self._images)} if self._images and any(pictures) else {}),
            **(of_films(films) if films else {}),
        )
        inputs = {name: value for name, value in encoded.items() if name not in ("labels", "video_metadata")}
        if self._needs_kinds and "mm_token_type_ids" not in inputs:
            kinds = self.processor.create_mm_token_type_ids(inputs["input_ids"])
            inputs["mm_token_type_ids"] = torch.tensor(kinds)
        pads = self.model.config.model_type in SEES_PADDING and len(texts) > 1 and "image_sizes" in inputs
        if pads and len(inputs["image_sizes"].unique(dim=0)) > 1:
            raise ValueError("pictures of different sizes")  # the batcher splits the batch
        return inputs

    def _on_device(self, batch: Batch) -> dict[str, Any]:
        """Return a batch's tensors on the device, with its pictures encoded if the model shares them."""
        device, dtype = self.model.device, self.model.dtype
        inputs = {name: _moved(value, device, dtype) for name, value in batch.inputs.items()}
        return self.vision.share(inputs, [picture.digest for row in batch.rows for picture in row.prompt.pictures])

    def _written(
        self, batch: Batch, generation: Generation, on_answer: Callable[[str], object] | None
    ) -> list[ChatAnswer | None]:
        """Write the answers to a batch, None where scores are not finite; with `on_answer`, it has one row."""

        def grow(tokens: list[int]) -> None:
            written = self._read_answer(tokens, [], len(tokens))
            if on_answer is not None and written is not None:
                on_answer(written.text)

        with torch.inference_mode():
            inputs = self._on_device(batch)
        start, finite = inputs["input_ids"].shape[1], Finite()
        steps: list[Any] = [finite]
        if generation.presence_penalty:
            steps.append(Presence(generation.presence_penalty, start))
        if generation.temperature:
            seeds = [seed_of(generation.seed, row.prompt.request.id, row.number) for row in batch.rows]
            steps.append(Draw(seeds, generation, self.model.device))
        thinks = self.template.thinking != "off" and generation.beams == 1
        lengths = Lengths(
            lambda ids: self._tokenizer.decode(ids),
            self.template.opened,
            generation.max_new_tokens,
            generation.thinking_tokens if thinks else 0,
            start,
        )
        options = copy.deepcopy(self.model.generation_config)
        options.update(
            do_sample=False, temperature=None, top_p=None, top_k=None, num_beams=generation.beams, max_length=None,
            max_new_tokens=generation.max_new_tokens + (generation.thinking_tokens if thinks else 0),
            pad_token_id=self._pad, num_return_sequences=1, return_dict_in_generate=False, guidance_scale=None,
        )  # fmt: skip
        with torch.inference_mode():
            ids = self._generate(
                **inputs,
                generation_config=options,
                logits_processor=LogitsProcessorList(steps),
                stopping_criteria=StoppingCriteriaList([lengths] if thinks else []),
                **({} if on_answer is None else {"streamer": NewTokens(grow)}),
            )
        new = ids[:, start:].tolist()
        all_finite = torch.stack(finite.steps, 1).view(len(new), -1, len(finite.steps)).all(1).tolist()
        ends = [lengths.ends.get(row, len(tokens)) for row, tokens in enumerate(new)]
        return [self._read_answer(*row) for row in zip(new, all_finite, ends, strict=True)]

    def _generate(self, **options: Any) -> Any:
        if self.model.config.model_type in DROPS_PROCESSORS:
            return GenerationMixin.generate(self.model, **options)
        return self.model.generate(**options)

    def _read_answer(self, tokens: list[int], finite: list[bool], cut: int) -> ChatAnswer | None:
        """Read new tokens, up to the first end of turn or to `cut`; None if the scores of one are not finite."""
        ended = next((position for position, token in enumerate(tokens, 1) if token in self._ends), None)
        reason: FinishReason = "stop" if ended is not None and ended <= cut else "length"
        length = ended if ended is not None and ended <= cut else cut
        if not all(finite[:length]):
            return None
        tokens = tokens[:length]
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).strip()
        raw = self.template.opened + self._tokenizer.decode(tokens[:-1] if reason == "stop" else tokens)
        if tagged(raw):
            thought, answer = split(raw)
            special = [word for word in self._tokenizer.all_special_tokens if word]
            for word in special:
                thought, answer = thought.replace(word, ""), answer.replace(word, "")
            return ChatAnswer(answer.strip(), thought.strip(), reason, length)
        return ChatAnswer(text, "", reason, length)

    def _finished(self, prompt: Prompt) -> Response:
        if prompt.error is not None:
            return self._respond(prompt, error=prompt.error)
        written: list[ChatAnswer | None] = [prompt.results[number] for number in range(prompt.rows)]
        answers = [answer for answer in written if answer is not None]
        if len(answers) < len(written):
            return self._respond(prompt, error="the model's scores are not finite numbers; try --dtype float32")
        first = answers[0]
        return self._respond(
            prompt,
            text=first.text,
            samples=tuple(answer.text for answer in answers) if len(answers) > 1 else (),
            reasoning=first.reasoning,
            finish_reason=first.finish_reason,
            output_tokens=sum(answer.tokens for answer in answers),
        )

    def _compared(self, batch: Batch) -> list[tuple[float, ...]]:
        """Return each prompt's log-likelihoods of its candidates, in their order."""
        candidates = [self._candidates(row.prompt.request) for row in batch.rows]
        with torch.inference_mode():
            scores = compare(self.model, self._on_device(batch), candidates, self._pad)
        return [tuple(sums[tokens] for tokens in options) for sums, options in zip(scores, candidates, strict=True)]

    def _respond(self, prompt: Prompt, **facts: Any) -> Response:
        sent = self.template.sent(prompt.text)
        return Response(prompt.request.id, sent=sent, input_tokens=prompt.length, seconds=prompt.seconds, **facts)


def _moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """Move a tensor, or each tensor of a list, to the device; convert floating-point ones (pixels) to the dtype."""
    if isinstance(value, list):
        return [_moved(item, device, dtype) for item in value]
    if not isinstance(value, Tensor):
        return value
    return value.to(device, dtype if value.is_floating_point() else value.dtype)
