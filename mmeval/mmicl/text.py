"""Text to token ids and back; everything in a text is plain text.

A published tokenizer turns a literal "</s>" or "<image0>" in a question into a special token. This one cannot: its
vocabulary is that of the same `tokenizer.json` without the special tokens.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tokenizers import Tokenizer

from mmeval.mmicl.context import PromptError

UNSPEAKABLE = "\ufdd0"
"""A code point that is not a character and is removed from texts; the new names of special tokens begin with it."""


class TextTokenizer:
    """A `tokenizer.json` that never finds special tokens in a text.

    `source` is the file's content, to be saved with the model. Raises ValueError if it is not a tokenizer.
    """

    def __init__(self, source: str, reserved: Collection[int] = ()) -> None:
        """Read a tokenizer; `reserved` are further ids, besides the file's special tokens, that no text may yield."""
        self.source = source
        original = _parse(source)
        canonical = json.loads(original.to_str())
        self._text = _parse(json.dumps(_without_special(canonical, reserved)))
        framed = original.encode("a", add_special_tokens=True)
        inside = [i for i, special in enumerate(framed.special_tokens_mask) if not special]
        first, last = (inside[0], inside[-1] + 1) if inside else (len(framed.ids), len(framed.ids))
        self.before: list[int] = framed.ids[:first]
        """Ids that the tokenizer puts at the start of a sequence: LLaMA's <s>, BERT's [CLS], nothing for T5."""
        self.after: list[int] = framed.ids[last:]
        """Ids that it puts at the end: T5's </s>, BERT's [SEP], nothing for LLaMA."""
        self.size = self._text.get_vocab_size(with_added_tokens=False)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a piece of text, without start or end tokens.

        Raises PromptError if the tokenizer has no ids for it, and none for unknown words.
        """
        with _refused(PromptError, "the tokenizer cannot encode the text"):
            ids: list[int] = self._text.encode(text.replace(UNSPEAKABLE, ""), add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids`, without special tokens and unknown ids."""
        names = ((i, self._text.id_to_token(i)) for i in ids if i >= 0)
        text: str = self._text.decode([i for i, name in names if name and not name.startswith(UNSPEAKABLE)])
        return text


def _parse(source: str) -> Tokenizer:
    with _refused(ValueError, "not a tokenizer.json that can be read"):
        tokenizer = Tokenizer.from_str(source)
        tokenizer.encode("a")
    return tokenizer


@contextmanager
def _refused(kind: type[ValueError], what: str) -> Iterator[None]:
    """Raise `kind` for any error of the tokenizers library: it raises no narrower class, and Rust panics."""
    try:
        yield
    except BaseException as error:  # a Rust panic is not an Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise kind(f"{what}: {error}") from error


def _without_special(tokenizer: dict[str, Any], reserved: Collection[int]) -> dict[str, Any]:
    """Copy a tokenizer file's content so that no text can produce a special or reserved token.

    The tokens keep their rows under names that no text contains; merges that would build them are removed.
    """
    added = tokenizer["added_tokens"]
    special = {token["content"]: token["id"] for token in added if token["special"] or token["id"] in reserved}
    model = dict(tokenizer["model"])
    rows = list(enumerate(model["vocab"])) if isinstance(model["vocab"], list) else []
    ids_by_piece = {piece: i for i, (piece, _) in rows} or model["vocab"]
    special |= {piece: i for piece, i in ids_by_piece.items() if i in reserved}

    def rename(piece: str) -> str:
        return f"{UNSPEAKABLE}{special[piece]}" if piece in special else piece

    if rows:
        model["vocab"] = [[rename(piece), score] for _, (piece, score) in rows]
    else:
        model["vocab"] = {rename(piece): i for piece, i in ids_by_piece.items()}
    if model.get("unk_token") is not None:
        model["unk_token"] = rename(model["unk_token"])
    if "merges" in model:
        model["merges"] = [pair for pair in model["merges"] if not special.keys() & {*pair, "".join(pair)}]
    return {
        **tokenizer,
        "model": model,
        "added_tokens": [token for token in added if token["content"] not in special],
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }
