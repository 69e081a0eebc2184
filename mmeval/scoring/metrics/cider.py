"""CIDEr-D, the "CIDEr" of COCO's caption evaluation (Vedantam et al. 2015, arXiv 1411.5726), without Java.

N-gram weights come from the evaluated references, so values of two subsets are not comparable.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from mmeval.scoring.statistics import Mean, Statistic
from mmeval.types import InputError, Record, Score

N = 4
SIGMA = 6.0
"""The standard deviation of the length penalty, in bigrams."""
BEST = 10.0
"""The maximum for one caption: pycocoevalcap multiplies cosines by ten."""
Grams = Counter[tuple[str, ...]]
_PUNCTUATION = {*"'`.?!,:;-", "''", "``", "--", "...", "-lrb-", "-rrb-", "-lcb-", "-rcb-"}
"""Tokens that pycocoevalcap's tokenizer drops."""
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": " -- ", "—": " -- "})
_TOKEN = re.compile(
    r"""<[a-z/][^<>\s]*>                                          # markup
      | (?:[a-z]\.){2,} | (?:mr|mrs|ms|dr|st|vs|no|jr|sr|prof|gen|sgt|lt|col|ave|inc|co|corp|ltd|etc)\.(?=\s)
      | \$ | [@\#][a-z_][\w]*                                     # money, names and tags
      | \d+(?:[.,:/]\d+)*(?:st|nd|rd|th|s)?(?:-[^\W_]+)*(?:'[a-z]+)*  # 1,000  3:30  1/2  3-year-old's
      | [^\W_]+(?:[-_&.][^\W_]+)*(?:'[^\W_]+)*                     # words, a hyphen or a point inside
      | \.\.\.+ | --+ | ''? | ``? | \S""",
    re.VERBOSE,
)
_CLITIC = re.compile(r"(.+?)(n't|'(?:s|m|d|ll|re|ve))$")
_TWO_WORDS = {"cannot": 3, "gonna": 3, "gotta": 3, "wanna": 3, "gimme": 3, "lemme": 3, "y'all": 2}
"""Words that Penn Treebank splits in two, and the position of the split."""
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}


def tokenize(caption: str) -> list[str]:
    """Split a caption as Stanford's PTBTokenizer does, in lower case, and drop the punctuation that COCO lists.

    "isn't" becomes "is n't", "dog's" "dog 's", "can't" "ca n't", "cannot" "can not". Numbers with points, commas and
    colons stay whole, and so do hyphenated words. Square brackets become -lsb- and are kept, as by Stanford's.
    Stanford's may keep a period after other abbreviations than those listed here; this one drops it.
    """
    tokens = _TOKEN.findall(caption.translate(_QUOTES).lower().replace('"', " '' "))
    return [word for token in tokens for word in _parts(_BRACKETS.get(token, token)) if word not in _PUNCTUATION]


def cider(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> list[float]:
    """Return the CIDEr-D of each tokenized caption, in [0, 10]. `candidates[i]` is compared with all `references[i]`.

    Raises InputError for a caption without references.
    """
    if len(candidates) != len(references) or not all(references):
        raise InputError("CIDEr needs at least one reference for every caption; add the missing ones")
    reference_grams = [[_grams(words) for words in of_caption] for of_caption in references]
    frequency: Counter[tuple[str, ...]] = Counter()
    for of_caption in reference_grams:
        frequency.update({gram for grams in of_caption for gram in grams})
    rarity = math.log(len(reference_grams))
    weight = {gram: rarity - math.log(number) for gram, number in frequency.items()}
    values = []
    for words, of_caption in zip(candidates, reference_grams, strict=True):
        vector = _Vector(_grams(words), weight, rarity)
        cosines = [vector.like(_Vector(grams, weight, rarity)) for grams in of_caption]
        values.append(BEST * math.fsum(cosines) / len(cosines))
    return values


def mean(values: Sequence[float], clusters: Sequence[str]) -> Statistic:
    """Return CIDEr as tables print it: 100 times the mean (maximum 1,000). The interval keeps the n-gram weights."""
    strata = [((1000.0, Mean([value / BEST for value in values], clusters)),)] if values else []
    return Statistic(1000.0, None, strata, reason=None if values else "no caption has an answer")


def of_captions(records: Sequence[Record], scores: Sequence[Score]) -> Statistic:
    """Return the captions' CIDEr. A missing caption counts as empty; n-gram weights come from these references."""
    captions = [tokenize(score.answer or "") for score in scores]
    references = [[tokenize(target) for target in record.targets] for record in records]
    return mean(cider(captions, references) if records else [], [record.id for record in records])


class _Vector:
    """The weighted n-grams of a caption, by length, and their norms."""

    def __init__(self, grams: Grams, weight: dict[tuple[str, ...], float], rarity: float) -> None:
        self.weights: list[dict[tuple[str, ...], float]] = [{} for _ in range(N)]
        for gram, number in grams.items():
            self.weights[len(gram) - 1][gram] = number * weight.get(gram, rarity)
        self.norms = [math.sqrt(math.fsum(value**2 for value in of_length.values())) for of_length in self.weights]
        self.length = sum(number for gram, number in grams.items() if len(gram) == 2)

    def like(self, other: _Vector) -> float:
        """Return the cosine with a reference, averaged over n. N-gram counts are clipped to the reference's."""
        total = 0.0
        for n in range(N):
            weights, references = self.weights[n], other.weights[n]
            common = [(weights[gram], references[gram]) for gram in weights if gram in references]
            value = math.fsum(min(weight, reference) * reference for weight, reference in common)
            norms = self.norms[n] * other.norms[n]
            total += value / norms if norms else value
        penalty = math.exp(-((self.length - other.length) ** 2) / (2 * SIGMA**2))
        return total * penalty / N


def _grams(words: Sequence[str]) -> Grams:
    return Counter(tuple(words[i : i + n]) for n in range(1, N + 1) for i in range(len(words) - n + 1))


def _parts(token: str) -> list[str]:
    if cut := _TWO_WORDS.get(token):
        return [token[:cut], token[cut:]]
    match = _CLITIC.fullmatch(token)
    return [*_parts(match[1]), match[2]] if match else [token]
