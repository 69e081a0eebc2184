"""Literal special tokens in a text stay text, in every kind of vocabulary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mmeval.mmicl.context import PromptError
from mmeval.mmicl.text import TextTokenizer
from tests.mmicl import mmicl_small as small

LITERALS = ["</s>", "<pad>", "<unk>", "<image>", "<image0>", "图", "<extra_id_0>", "[SEP]", "[CLS]", "<s>"]


def added(names: dict[str, int]) -> list[dict[str, Any]]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": i, "content": name, **flags} for name, i in names.items()]


def file(model: dict[str, Any], special: dict[str, int], **parts: Any) -> str:
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    content = {"version": "1.0", **empty, "added_tokens": added(special), "model": model, **parts}
    return json.dumps(content)


def unigram() -> tuple[str, set[int]]:
    """T5's kind: control tokens are pieces too, and the most likely ones."""
    control = ["<pad>", "</s>", "<unk>", "图", "<image0>", "<image>", "<extra_id_0>"]
    letters = "▁abcdefghijklmnopqrstuvwxyz<>/_[]0"
    vocabulary = [[piece, 0.0] for piece in control] + [[letter, -5.0] for letter in letters]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    special = {piece: i for i, piece in enumerate(control) if piece != "图"}  # known by its id alone
    model = {"type": "Unigram", "unk_id": 2, "vocab": vocabulary, "byte_fallback": False}
    return file(model, special, pre_tokenizer=metaspace), set(range(len(control))) - {2}


def bpe() -> tuple[str, set[int]]:
    """LLaMA's kind: merges may build a control token out of its characters."""
    control = ["<unk>", "<s>", "</s>", "<image0>"]
    pieces = [*"▁abcdefghijklmnopqrstuvwxyz<>/0", "</", "s>", "<i", "ma", "ge", "<ima", "ge0", "<image0", "do"]
    vocabulary = {piece: i for i, piece in enumerate([*control, *pieces])}
    merges = ["< /", "s >", "</ s>", "< s>", "< i", "m a", "g e", "<i ma", "ge 0", "<ima ge0", "<image0 >", "d o"]
    replace = [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
    model = {"type": "BPE", "vocab": vocabulary, "merges": merges, "unk_token": "<unk>", "fuse_unk": True}
    normalizer = {"type": "Sequence", "normalizers": replace}
    return file(model, {"<unk>": 0, "<s>": 1, "</s>": 2}, normalizer=normalizer), {1, 2, 3}


def wordpiece() -> tuple[str, set[int]]:
    """BERT's kind."""
    control = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<image0>"]
    vocabulary = {piece: i for i, piece in enumerate([*control, "the", "dog", "[", "]", "sep", "cls"])}
    model = {
        "type": "WordPiece",
        "vocab": vocabulary,
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
    }
    special = {name: i for i, name in enumerate(control[:4])}
    return file(model, special, pre_tokenizer={"type": "WhitespaceSplit"}), {0, 2, 3, 4}


def wordlevel() -> tuple[str, set[int]]:
    """Make a tiny model's tokenizer: a literal that stands alone is a word of the vocabulary."""
    names = ["<pad>", "</s>", "<unk>", "the", "dog", "图", "<image0>"]
    vocabulary = {name: i for i, name in enumerate(names)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    special = {name: i for i, name in enumerate(names[:3])}
    return file(model, special, pre_tokenizer={"type": "WhitespaceSplit"}), {0, 1, 5, 6}


@pytest.mark.parametrize("kind", [unigram, bpe, wordpiece, wordlevel])
@pytest.mark.parametrize("literal", LITERALS)
@pytest.mark.parametrize("text", ["{}", "the {} dog", "the{}dog"])
def test_a_literal_is_text(kind: Any, literal: str, text: str) -> None:
    source, never = kind()
    tokenizer = TextTokenizer(source, reserved=never)
    assert not never & set(tokenizer.encode(text.format(literal)))


@pytest.mark.parametrize("kind", [unigram, bpe, wordpiece, wordlevel])
def test_the_new_names_cannot_be_written(kind: Any) -> None:
    source, never = kind()
    tokenizer = TextTokenizer(source, reserved=never)
    for i in never:
        assert not never & set(tokenizer.encode(f"\ufdd0{i}"))


@pytest.mark.parametrize("kind", [unigram, bpe])
def test_other_text_is_tokenised_as_ever(kind: Any) -> None:
    from tokenizers import Tokenizer

    source, never = kind()
    ids = Tokenizer.from_str(source).encode("do the dogs say so", add_special_tokens=False).ids
    assert TextTokenizer(source, reserved=never).encode("do the dogs say so") == ids


def test_decoding_leaves_special_and_unknown_ids_out() -> None:
    tokenizer = TextTokenizer(small.tokenizer())
    assert tokenizer.decode([0, 11, 1, 1, small.PLACEHOLDER, 999]) == "yes"


def test_sequence_frame_is_read_from_the_file() -> None:
    assert (TextTokenizer(small.tokenizer()).before, TextTokenizer(small.tokenizer()).after) == ([], [1])
    assert TextTokenizer(small.tokenizer(after=False)).before == [1]


@pytest.mark.parametrize("source", ["", "{}", "[]", '{"model": {"type": "WordLevel", "vocab": {}}}'])
def test_what_is_no_tokenizer_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"not a tokenizer.json that can be read"):
        TextTokenizer(source)


def test_a_word_that_a_tokenizer_has_no_ids_for_is_refused() -> None:
    model = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"}
    tokenizer = TextTokenizer(file(model, {}))
    assert tokenizer.encode("a") == [0]
    with pytest.raises(PromptError, match="the tokenizer cannot encode the text"):
        tokenizer.encode("b")
