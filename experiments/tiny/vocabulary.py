"""The tiny family's tokenizer: whole words, single digits, and letters if a word is spelled in quotes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from mmeval.embedded.world.choices import SORTS
from mmeval.embedded.world.clips import ACTIONS, ASKED
from mmeval.embedded.world.puzzles import PUZZLES, puzzles
from mmeval.files import write_text
from mmeval.types import InputError

TAGS = 12
"""Maximum number of pictures with their own tags in one prompt, including demonstrations."""
PICTURE, IMAGES = "<picture>", tuple(f"<image{index}>" for index in range(TAGS))
"""The token that pictures replace, and the tags."""
SPELLED = r"\w(?=\w*')"
"""A letter of a word followed by a closing quote: 'kelt' is read letter by letter, as it is seen."""
JOINED = ((r"(?<=\b[a-z]) (?=[a-z]\b)", ""), ("^' ", "'"), ("(?<=[a-z]) '$", "'"))
"""Replacements in a decoded text: `' k e l t '` becomes `'kelt'`."""
ALWAYS = (
    "Please answer yes or no. Answer the question using a single word or phrase. image is 0 1 2 3 4 5 6 7 8 9",
    "Use the image: as a visual aid to help you answer the questions accurately. What does the image show?",
    "Question: Hint: There are several options: Options: A. B. C. D. E. Please select the correct answer from the",
    "options above. Answer with the option's letter directly. given choices following carefully none of them",
    "What shape is the thing in this picture images pictures below above: which two three four first second",
    "Question: Answer: True or False? text caption matches long short story says some people say that maybe",
    "Does the caption match the image? Which caption describes the image? Which image does the caption describe?",
    "Here are three images: The following image is: Is it correct? Choices: Please provide the correct option letter,",
    "such as A, B, C, D, directly. Left picture, right picture. Is this statement true of them? Respond with either",
    "given the left image and the right image. Analyzing can you validate the statement what goes with stands before",
    "The caption 0 is matches Yes or No. Use the images and captions to answer the following question. true false",
    "This is a Answer: one or two person is someone something nothing standing sitting lying bent falling moving to",
    "what does the do ? it moves left right up down appears is hidden falls sits down being does appear in place",
    "what is different between image 0 and image 1 ? the color the shape the place how many pictures are there ?",
    "after before between first last name how which shows many more than there are on the same odd one out series",
    "some people say that there are things in the picture and some people say that there is none of them below is",
    "this is a long story about a picture. the question that follows from the story. (A) (B) what happens to the",
)
"""Words of the prompts and contexts, whether or not the world uses them."""
CHOICES = "ABCDE"
"""An option's letter is its own token, in upper case: benchmarks' answer parsers do not accept lower case."""
PRACTICE = 400
"""Seeds of each kind of puzzle from which words are taken; with this many, every word occurs many times."""


def forms_texts() -> Iterator[str]:
    """Yield the words of questions about several pictures and about clips."""
    yield from (*ASKED.values(), *ACTIONS)
    for kind in PUZZLES:
        for seed in range(PRACTICE):
            for puzzle in puzzles(kind, seed, "train"):
                yield from (scene.caption for scene in puzzle.scenes)
                yield " ".join(str(part) for part in puzzle.question)
                yield puzzle.answer


@dataclass(frozen=True)
class Vocabulary:
    """The tokenizer and the ids of its special tokens."""

    source: str
    """The content of `tokenizer.json`."""
    size: int
    placeholder: int
    tags: tuple[int, ...]
    pad: int = 0
    end: int = 1
    start: int = 3

    def save(self, folder: Path) -> None:
        """Write `tokenizer.json` and, next to it, the ids."""
        write_text(folder / "tokenizer.json", self.source)
        facts = {key: value for key, value in vars(self).items() if key != "source"}
        write_text(folder / "vocabulary.json", json.dumps(facts))

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Read the files of `save`."""
        facts = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        source = (folder / "tokenizer.json").read_text(encoding="utf-8")
        return cls(source, **{**facts, "tags": tuple(facts["tags"])})


def vocabulary_of(weights: Path) -> Vocabulary:
    """Return the vocabulary of trained weights, from the `tokenizer.json` in their folder.

    Raises InputError if it is missing, or not a tokenizer of the tiny family.
    """
    file = weights.with_name("tokenizer.json")
    try:
        source = file.read_text(encoding="utf-8")
        ids = _ids(source)
        return Vocabulary(source, len(ids), ids[PICTURE], tuple(ids[tag] for tag in IMAGES))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: missing, or not a tokenizer of the tiny family; put the tokenizer.json of {weights.name} there"
        ) from error


def check_words(vocabulary: Vocabulary, weights: Path) -> None:
    """Raise InputError unless trained weights give every token the id that this vocabulary gives it."""
    ids, trained = _ids(vocabulary.source), _ids(vocabulary_of(weights).source)
    if ids != trained:
        word = min(word for word, index in (ids.items() ^ trained.items()))
        raise InputError(
            f"{weights}: was trained with another vocabulary, the first difference is '{word}'; run the stages draw "
            "and learn with these --weights and a new --out"
        )


def _ids(source: str) -> dict[str, int]:
    """Return the id of each token of a `tokenizer.json`."""
    facts = json.loads(source)
    return {**facts["model"]["vocab"], **{token["content"]: token["id"] for token in facts["added_tokens"]}}


def make_vocabulary(texts: Iterable[str]) -> Vocabulary:
    """Make a tokenizer of every word in `texts`, in alphabetical order, then placeholder and tags.

    Any other word is split into its longest prefix that is a word, and single letters (`##a`).
    """
    pieces = [f"##{letter}" for letter in ascii_lowercase]
    split = _pre_tokenizer().pre_tokenize_str
    sorts = (word for sort in SORTS.values() for word in sort)
    words = {word for text in {*texts, *ALWAYS, *sorts} for word, _ in split(text.lower())}
    special = ["<pad>", "</s>", "<unk>", "<s>"]
    picture_tokens = [PICTURE, *IMAGES]
    tokens = [*special, *sorted(words | set(ascii_lowercase)), *pieces, *picture_tokens, *CHOICES]
    ids = {word: index for index, word in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.WordPiece(cleanup=False),
            decoders.Fuse(),
            *(decoders.Replace(Regex(pattern), text) for pattern, text in JOINED),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in (*special, *picture_tokens)])
    tokenizer.add_tokens([AddedToken(letter, single_word=True, normalized=False) for letter in CHOICES])
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", ids["<s>"])])
    return Vocabulary(tokenizer.to_str(), len(tokens), ids[PICTURE], tuple(ids[tag] for tag in IMAGES))


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPELLED), "isolated"),
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Punctuation(),
        ]
    )
