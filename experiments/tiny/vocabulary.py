"""The tiny family's tokenizer: whole words, single digits, and letters where a word is spelled in quotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from mmeval.embedded.world.choices import SORTS
from mmeval.embedded.world.puzzles import PUZZLES, puzzles
from mmeval.mmicl.processing import MmiclProcessor, ProcessorConfig

TAGS = 12
"""Pictures that can be told apart in one prompt: a question and its demonstrations."""
SPELLED = r"\w(?=\w*')"
"""A letter of a word that a closing quote follows: 'kelt' is read letter by letter, as it is seen."""
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
)
"""Words of the prompts and contexts, whether or not the world uses them."""
CHOICES = "ABCDE"
"""An option's letter is a word of its own, and is written as people write it: the public readers know no small ones."""
PRACTICE = 400
"""Seeds of each kind of puzzle whose words are taken: every word comes up many times."""


def puzzle_texts() -> Iterator[str]:
    """Yield the words of the questions about several pictures."""
    for kind in PUZZLES:
        for seed in range(PRACTICE):
            for puzzle in puzzles(kind, seed, "train"):
                yield from (scene.caption for scene in puzzle.scenes)
                yield " ".join(str(part) for part in puzzle.question)
                yield puzzle.answer


def make_processor(
    texts: Iterable[str], tokens_per_picture: int, picture_size: int, family: str = "llama"
) -> MmiclProcessor:
    """Make a processor whose vocabulary is every word in `texts`, in alphabetical order, then placeholder and tags."""
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
    split = tokenizer.pre_tokenizer.pre_tokenize_str
    sorts = (word for sort in SORTS.values() for word in sort)
    words = {word for text in {*texts, *ALWAYS, *sorts} for word, _ in split(text.lower())}
    letters = set("abcdefghijklmnopqrstuvwxyz")
    special = ["<pad>", "</s>", "<unk>", "<s>"]
    tagged = ["<picture>", *(f"<image{index}>" for index in range(TAGS))]
    rows = [*special, *sorted(words | letters), *tagged, *CHOICES]
    ids = {word: index for index, word in enumerate(rows)}
    tokenizer.model = models.WordLevel(ids, unk_token="<unk>")
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in (*special, *tagged)])
    tokenizer.add_tokens([AddedToken(letter, single_word=True, normalized=False) for letter in CHOICES])
    frame, mark = ("$A </s>", "</s>") if family == "t5" else ("<s> $A", "<s>")
    tokenizer.post_processor = processors.TemplateProcessing(frame, special_tokens=[(mark, ids[mark])])
    settings = ProcessorConfig(
        placeholder_id=ids["<picture>"],
        tag_ids=tuple(ids[tag] for tag in tagged[1:]),
        tokens_per_picture=tokens_per_picture,
        pad_id=ids["<pad>"],
        eos_id=ids["</s>"],
        pad_left=family != "t5",
        max_prompt_tokens=LONGEST,
        clean_up_spaces=False,
    )
    size = {"height": picture_size, "width": picture_size}
    return MmiclProcessor(tokenizer.to_str(), BlipImageProcessorPil(size=size), settings, tokenizer.to_str())


LONGEST = 1024
"""Tokens of a prompt and its answer: positions beyond were never practised."""
