"""The tiny family's tokenizer: whole words, single digits, and letters where a word is spelled in quotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<pad>", "</s>", "<unk>")
SPELLED = r"\w(?=\w*')"
"""A letter of a word that a closing quote follows: 'kelt' is read letter by letter, as it is seen."""


def train_tokenizer(texts: Iterable[str], always: Iterable[str] = ()) -> PreTrainedTokenizerFast:
    """A word-level tokenizer over everything in `texts`, ids in alphabetical order, so that they never move."""
    tokenizer = Tokenizer(models.WordLevel({}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPELLED), "isolated"),
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Punctuation(),
        ]
    )
    words: Counter[str] = Counter()
    for text in (*texts, *always):
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text.lower()))
    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *sorted(words)))}
    tokenizer.model = models.WordLevel(vocabulary, unk_token="<unk>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
