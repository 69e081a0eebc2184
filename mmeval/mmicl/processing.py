"""Turn prompts and pictures into tensors, and ids back into text.

Placeholders and tags get their ids from the settings, never from a tokenizer's added tokens: versions of
transformers have numbered those differently, and a question's text may contain any of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub import snapshot_download
from PIL import Image
from torch import Tensor, nn
from transformers import BatchFeature
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.utils.hub import PushToHubMixin

from mmeval import regular
from mmeval.mmicl.context import CONTEXTS, Context, ImagePlace, Part, Piece, PromptError, written
from mmeval.mmicl.published import reads_questions
from mmeval.mmicl.text import TextTokenizer
from mmeval.pictures import as_seen

CLEANED = {mark: mark.strip() for mark in (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")}
"""Spaces that decoding removes, as transformers 4 did for T5 and BERT vocabularies."""
FILES = ("*.json", "qformer_tokenizer/*.json")
"""A repository's files other than weights."""
SAVED = ("mmicl_processor.json", "preprocessor_config.json", "tokenizer.json", "qformer_tokenizer/tokenizer.json")
"""The files that `save_pretrained` writes; the last one only for a Q-Former that reads text."""
HUB_OPTIONS = ("revision", "cache_dir", "token", "local_files_only", "force_download")
"""Options that `from_pretrained` passes on to the hub's client."""
PICTURE_SETTINGS = ("size", "resample", "rescale_factor", "image_mean", "image_std")
"""Keys that are read from a `preprocessor_config.json`; its switches, such as `do_resize`, are ignored."""


@dataclass(frozen=True)
class ProcessorConfig:
    """What a processor needs to know about its model; saved as `mmicl_processor.json`."""

    placeholder_id: int
    tag_ids: tuple[int, ...]
    """Ids of `<image0>`, `<image1>`, ...; their number limits the tagged pictures in one prompt. Empty: no tags."""
    tokens_per_picture: int
    pad_id: int
    eos_id: int
    pad_left: bool
    """Decoder-only models continue the prompt, so the answer must begin where the prompt ends."""
    max_prompt_tokens: int | None = None
    clean_up_spaces: bool = True
    reads_questions: bool = False
    """Whether the Q-Former is given the question too."""

    def __post_init__(self) -> None:
        """Check the types of ids and lengths from a file. Raises TypeError naming the key."""
        limit = () if self.max_prompt_tokens is None else (self.max_prompt_tokens,)
        fields = {
            **{name: (getattr(self, name),) for name in ("placeholder_id", "tokens_per_picture", "pad_id", "eos_id")},
            "tag_ids": self.tag_ids,
            "max_prompt_tokens": limit,
        }
        for name, values in fields.items():
            if not all(type(value) is int and abs(value) < 2**31 for value in values):
                raise TypeError(f"{name} must be whole numbers, not {values!r:.60}")


@dataclass(frozen=True)
class EncodedPrompt:
    """A prompt in tokens: the ids for the language model, and the pictures that they show."""

    ids: tuple[int, ...]
    pictures: tuple[int, ...]
    """Indices among the distinct pictures, in the order of their placeholders."""
    text: str
    """The prompt in readable form, visual tokens as [picture]."""


class MmiclProcessor(PushToHubMixin):
    """Makes the model's inputs; training and inference need the same files."""

    def __init__(
        self,
        tokenizer: str,
        image_processor: BlipImageProcessorPil,
        settings: ProcessorConfig,
        qformer_tokenizer: str | None = None,
    ) -> None:
        """Take tokenizers as the content of `tokenizer.json`; a Q-Former that reads text has its own.

        Raises ValueError if one is not a tokenizer or the settings give an id twice.
        """
        special_ids = (settings.placeholder_id, *settings.tag_ids)
        if len(set(special_ids)) != len(special_ids):
            raise ValueError("the placeholder and the tags must have different ids")
        self.settings = settings
        self.tokenizer = TextTokenizer(tokenizer, special_ids)
        self.qformer_tokenizer = None if qformer_tokenizer is None else TextTokenizer(qformer_tokenizer)
        self.image_processor = image_processor

    def __call__(
        self,
        images: Image.Image | Sequence[Image.Image] | Sequence[Sequence[Image.Image]] | None = None,
        text: str | Sequence[str] = "",
        *,
        context: str = "declaration",
        return_tensors: Literal["pt"] = "pt",
    ) -> BatchFeature:
        """Prepare the inputs of `model.generate`: `input_ids`, `attention_mask`, `pictures` and `pixel_values`.

        `text` is a prompt and `images` its pictures, or both are lists with one entry per prompt, a picture or a list
        of them. Each `<image>` in a prompt is the place of a picture; if a prompt has none, all its pictures come
        first. `context` is a name in `context.CONTEXTS`. For texts in which `<image>` has no such meaning, use `prompt`
        and `batch`. If the Q-Former reads the question, `qformer_input_ids` and `qformer_attention_mask` are included.
        Raises PromptError if the numbers of pictures and `<image>` differ, or the prompt is too long, ValueError if
        there is no prompt, or the numbers of prompts and of their pictures differ.
        """
        texts = [text] if isinstance(text, str) else list(text)
        rows = _rows(images, len(texts))
        if return_tensors != "pt" or context not in CONTEXTS or not texts or len(rows) != len(texts):
            raise ValueError(
                f"give at least one text, each of the {len(texts)} its own list of images, return_tensors='pt', and as "
                f"context one of {', '.join(CONTEXTS)}"
            )
        pictures: list[Image.Image] = []
        prompts = []
        for prompt, row in zip(texts, rows, strict=True):
            numbers = range(len(pictures), len(pictures) + len(row))
            prompts.append(self.prompt(_parts(prompt, numbers), CONTEXTS[context]))
            pictures += row
        inputs = self.batch(prompts)
        if pictures:
            inputs["pixel_values"] = self.pixels(pictures)
        if pictures and self.settings.reads_questions:
            inputs |= self.qformer_batch([prompt.replace("<image>", "") for prompt in texts])
        return BatchFeature(inputs)

    def prompt(self, parts: Sequence[Part], context: Context) -> EncodedPrompt:
        """Tokenize a prompt; errors as in `encode`."""
        pieces = context.pieces(parts)
        if context.tagged or not pieces or not isinstance(pieces[0], ImagePlace):
            return self.encode(pieces)
        # pictures that open a prompt precede its start token, as in the training of BLIP-2 and InstructBLIP
        opening = next((i for i, piece in enumerate(pieces) if not isinstance(piece, ImagePlace)), len(pieces))
        return self.encode(pieces[opening:], opening=pieces[:opening])

    def encode(self, pieces: Sequence[Piece], opening: Sequence[Piece] = ()) -> EncodedPrompt:
        """Tokenize a prompt given in pieces; those of `opening` come before the tokenizer's start token.

        Every text between pictures and tags is tokenized separately, as tokenizers do around special tokens.
        Raises PromptError if the prompt is longer than the model reads, or needs a tag that the model lacks.
        """
        ids = [i for piece in opening for i in self._ids(piece)]
        ids += self.tokenizer.before + [i for piece in pieces for i in self._ids(piece)] + self.tokenizer.after
        pictures = tuple(piece.picture for piece in (*opening, *pieces) if isinstance(piece, ImagePlace))
        limit = self.settings.max_prompt_tokens
        if limit is not None and len(ids) > limit:
            raise PromptError(
                f"the prompt has {len(ids)} tokens, {len(pictures)} picture{'' if len(pictures) == 1 else 's'} of "
                f"{self.settings.tokens_per_picture} included, but the model reads {limit}; shorten it"
            )
        return EncodedPrompt(tuple(ids), pictures, written([*opening, *pieces]))

    def follow(self, parts: Sequence[Part], context: Context, slot: int) -> list[int]:
        """Return the ids of parts that follow an answer, without start or end; `slot` numbers their first picture."""
        return [i for piece in context.pieces(parts, slot) for i in self._ids(piece)]

    def _ids(self, piece: Piece) -> list[int]:
        if isinstance(piece, str):
            return self.tokenizer.encode(piece)
        if isinstance(piece, ImagePlace):
            return [self.settings.placeholder_id] * self.settings.tokens_per_picture
        if piece.slot >= len(self.settings.tag_ids):
            raise PromptError(
                f"picture {piece.slot} needs the tag <image{piece.slot}>, but the model has "
                f"{len(self.settings.tag_ids)} tags; show fewer pictures or use the context 'plain'"
            )
        return [self.settings.tag_ids[piece.slot]]

    def answer(self, text: str) -> list[int]:
        """Return the ids of an answer, with the end token."""
        return [*self.tokenizer.encode(text), self.settings.eos_id]

    def batch(self, prompts: Sequence[EncodedPrompt]) -> dict[str, Tensor]:
        """Make `input_ids`, `attention_mask` [B, L] and `pictures` [B, N], padded on the side that the model needs."""
        side = "left" if self.settings.pad_left else "right"
        ids = [prompt.ids for prompt in prompts]
        return {
            "input_ids": padded(ids, self.settings.pad_id, side),
            "attention_mask": padded([[1] * len(row) for row in ids], 0, side),
            "pictures": padded([prompt.pictures for prompt in prompts], -1),
        }

    def qformer_batch(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Make `qformer_input_ids`, `qformer_attention_mask` [B, Q]. Raises PromptError if the tokenizer is missing."""
        tokenizer = self.qformer_tokenizer
        if tokenizer is None:
            raise PromptError("this model's Q-Former has no tokenizer, so it cannot be given text")
        rows = [tokenizer.before + tokenizer.encode(text) + tokenizer.after for text in texts]
        mask = padded([[1] * len(row) for row in rows])
        return {"qformer_input_ids": padded(rows), "qformer_attention_mask": mask}

    def pixels(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Make `pixel_values` [P, 3, H, W], float32, from pictures prepared by `as_seen`."""
        pixels = self.image_processor([as_seen(picture) for picture in pictures], return_tensors="pt")["pixel_values"]
        assert isinstance(pixels, Tensor)
        return pixels

    def batch_decode(self, sequences: Tensor | Sequence[Sequence[int]], skip_special_tokens: bool = True) -> list[str]:
        """Return the texts of answers."""
        if not skip_special_tokens:
            raise ValueError("special tokens have no text here; remove skip_special_tokens=False")
        rows = sequences.tolist() if isinstance(sequences, Tensor) else sequences
        return [self.decode(row) for row in rows]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of an answer's ids, without special tokens."""
        text = self.tokenizer.decode(ids)
        for spaced, closed in CLEANED.items() if self.settings.clean_up_spaces else ():
            text = text.replace(spaced, closed)
        return text

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:
        """Write settings, tokenizers and `preprocessor_config.json` next to the model's files.

        `push_to_hub` uploads the same files; the options that it passes on are those of models.
        """
        folder = Path(save_directory)
        self.image_processor.save_pretrained(folder)
        (folder / "mmicl_processor.json").write_text(json.dumps(asdict(self.settings), indent=2) + "\n", "utf-8")
        (folder / "tokenizer.json").write_text(self.tokenizer.source, encoding="utf-8")
        if self.qformer_tokenizer is not None:
            file = folder / "qformer_tokenizer" / "tokenizer.json"
            file.parent.mkdir(exist_ok=True)
            file.write_text(self.qformer_tokenizer.source, encoding="utf-8")

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> MmiclProcessor:
        """Read a folder of `save_pretrained`, local or on the hub. Raises OSError, TypeError or ValueError.

        Of `options`, only HUB_OPTIONS are used; AutoProcessor passes others that are not needed here.
        """
        folder = Path(name)
        if not regular.is_folder(folder):
            hub_options = {key: options[key] for key in HUB_OPTIONS if key in options}
            folder = Path(snapshot_download(str(name), allow_patterns=list(FILES), **hub_options))
        values: dict[str, Any] = json.loads(regular.read_text(folder / "mmicl_processor.json"))
        config = folder / "config.json"
        if "reads_questions" not in values and config.exists():  # written by an earlier version
            values["reads_questions"] = reads_questions(json.loads(regular.read_text(config)))
        return cls.from_files(folder, ProcessorConfig(**{**values, "tag_ids": tuple(values["tag_ids"])}))

    @classmethod
    def from_files(cls, folder: str | Path, settings: ProcessorConfig) -> MmiclProcessor:
        """Read tokenizers and picture settings of a published folder, with the given `settings`. Errors: see above."""
        qformer = Path(folder, "qformer_tokenizer", "tokenizer.json")
        pictures = json.loads(regular.read_text(Path(folder, "preprocessor_config.json")))
        return cls(
            regular.read_text(Path(folder, "tokenizer.json")),
            BlipImageProcessorPil(**{key: pictures[key] for key in PICTURE_SETTINGS if key in pictures}),
            settings,
            regular.read_text(qformer) if qformer.exists() else None,
        )


def padded(rows: Sequence[Sequence[int]], filler: int = 0, side: str = "right") -> Tensor:
    """Stack rows of whole numbers [B, L], padded on one side."""
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=filler, padding_side=side)


def _rows(images: Any, texts: int) -> list[list[Image.Image]]:
    """Return each prompt's pictures: one prompt may have a list of its own, several have a picture or a list each."""
    items: list[Any] = []
    if images is not None:
        items = [images] if isinstance(images, Image.Image) else list(images)
    flat = all(isinstance(item, Image.Image) for item in items)
    if flat and (not items or texts == 1):
        return [items] if texts == 1 else [[] for _ in range(texts)]
    return [[item] for item in items] if flat else [list(row) for row in items]


def _parts(text: str, pictures: Sequence[int]) -> list[Part]:
    """Put the pictures at the prompt's `<image>`s, or first if it has none."""
    before, *after = text.split("<image>")
    image_places = [ImagePlace(picture) for picture in pictures]
    if not after:
        return [*image_places, text]
    if len(after) != len(image_places):
        raise PromptError(
            f"the text has {len(after)} <image> for {len(image_places)} pictures; write one for each, or none at all"
        )
    return [before, *(part for pair in zip(image_places, after, strict=True) for part in pair)]
