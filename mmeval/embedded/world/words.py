"""OCR and text translation: a word on a sign. Texts put spelled words in quotes."""

from PIL import Image

from mmeval.embedded.world.canvas import SIZE, Canvas, Color, dark, light, pastel, varied
from mmeval.embedded.world.glyphs import HEIGHT, width_of, write
from mmeval.embedded.world.rng import Rng
from mmeval.embedded.world.view import Claim, Mark, Origin, Split, View, worded

CONSONANTS, VOWELS = "bdfklmnprstv", "aeiou"
PATTERNS = ("cvc", "cvcv", "cvcc", "vcvc")
ORDINALS = ("first", "second", "third", "fourth")

_PAIRS = """
tam water, tan fire, sol sun, sul rain, mir friend, mid king,
bako bread, baro milk, keli house, keri door, runa dog, runo cat,
pesk fish, pest bird, vola road, vila river, dond stone, dont gold,
efir night, efin day, lubo mother, lubi child, osak book, osam song
"""
LANGUAGE = dict(pair.split() for pair in _PAIRS.split(","))
"""The picture world's own language. Every word has a twin that differs in one letter."""

READ = ("Is the word in the logo '{word}'?", "Does the sign say '{word}'?", "Is '{word}' written in this image?")
TRANSLATE = (
    "Is it right to translate the word in the image as {meaning}?",
    "Does the word in this picture mean {meaning}?",
    "Is {meaning} the meaning of the word in the image?",
)

BOARDS: tuple[tuple[Color, Color], ...] = (
    ((250, 248, 240), (30, 30, 40)),
    ((30, 60, 120), (250, 250, 250)),
    ((150, 30, 40), (255, 240, 200)),
    ((30, 90, 60), (240, 250, 230)),
    ((250, 214, 80), (60, 30, 20)),
    ((50, 50, 56), (250, 200, 80)),
)
"""Colors of board and ink."""


def of_split(word: str) -> Split:
    """Return a word's split. About one word in five never occurs in training."""
    return "test" if sum((7 * index + 3) * ord(sign) for index, sign in enumerate(word)) % 5 == 0 else "train"


def new_word(rng: Rng, split: Split) -> str:
    """Return a random word of the split. Only words in `LANGUAGE` have a meaning."""
    while True:
        pattern = rng.pick(PATTERNS)
        word = "".join(rng.pick(CONSONANTS if sign == "c" else VOWELS) for sign in pattern)
        if of_split(word) == split:
            return word


def ocr(origin: Origin) -> View:
    """Ask for the word on a sign. The false claim names a word that differs in one letter."""
    rng = origin.rng()
    word = new_word(rng, origin.split)
    while word in LANGUAGE:
        word = new_word(rng, origin.split)
    word, false_word = rng.swapped(word, _neighbor(rng, word, origin.split))
    picture, marks = _sign(rng, word)
    third, fourth = (_neighbor(rng, word, origin.split) for _ in range(2))

    def claim(spelled: str) -> Claim:
        return worded(rng, READ, ("word", spelled), word=spelled)

    return View(
        origin=origin,
        picture=picture,
        caption=f"a sign with the word '{word}'",
        facts=frozenset({("word", word)}),
        asked=rng.swapped(claim(word), claim(false_word)),
        probes=(("what word is written ?", f"'{word}'"), *_letters(rng, word)),
        extra=tuple(claim(spelled) for spelled in (word, third, word, fourth)),
        marks=marks,
    )


def text_translation(origin: Origin) -> View:
    """Ask for the meaning of a word. The false claim gives the meaning of its twin or of another word."""
    rng = origin.rng()
    words = list(LANGUAGE)
    word = rng.pick(words)
    twin, meaning = words[words.index(word) ^ 1], LANGUAGE[word]
    picture, marks = _sign(rng, word)

    def claim(spelled: str) -> Claim:
        return worded(rng, TRANSLATE, ("meaning", LANGUAGE[spelled]), meaning=LANGUAGE[spelled])

    return View(
        origin=origin,
        picture=picture,
        caption=f"the word '{word}' , it means {meaning}",
        facts=frozenset({("meaning", meaning)}),
        asked=rng.swapped(claim(word), claim(twin if rng.coin() else rng.other(words, word))),
        probes=(
            ("what does the word mean ?", meaning),
            ("what word is written ?", f"'{word}'"),
            *_letters(rng, word)[:1],
        ),
        extra=(claim(word), claim(twin), claim(word), claim(rng.other(words, word))),
        marks=marks,
    )


def _neighbor(rng: Rng, word: str, split: Split) -> str:
    """Return a word of the same split with one vowel or one consonant replaced."""
    neighbors = [
        word[:index] + letter + word[index + 1 :]
        for index, sign in enumerate(word)
        for letter in (VOWELS if sign in VOWELS else CONSONANTS)
        if letter != sign
    ]
    return rng.pick([neighbor for neighbor in neighbors if of_split(neighbor) == split and neighbor not in LANGUAGE])


def _letters(rng: Rng, word: str) -> tuple[tuple[str, str], ...]:
    indices = rng.shuffled(range(len(word)))[:2]
    return tuple((f"what is the {ORDINALS[index]} letter ?", word[index]) for index in indices)


def _sign(rng: Rng, word: str) -> tuple[Image.Image, tuple[Mark, ...]]:
    """Draw the word on a board in front of soft shapes."""
    back = pastel(rng)
    canvas = Canvas(rng, back, varied(rng, (140, 150, 160), 70))
    for _ in range(rng.below(6)):
        spot = rng.between(4, 16)
        canvas.oval(rng.between(0, SIZE), rng.between(0, SIZE), spot, spot, varied(rng, back, 40))
    board, ink = rng.pick(BOARDS)
    if rng.coin(0.3):
        board, ink = ink, board
    dot = rng.between(3.1, 3.6) if len(word) == 4 else rng.between(3.3, 4.4)
    wide, tall = width_of(word, dot), HEIGHT * dot
    x, y = 48 + rng.between(-1, 1) * (90 - wide) / 2, 48 + rng.between(-22, 22)
    left, top, edge = x - wide / 2, y - tall / 2, rng.between(3, 8)
    canvas.box(left - edge + 1.5, top - edge + 2, left + wide + edge + 1.5, top + tall + edge + 2, dark(back))
    canvas.box(left - edge, top - edge, left + wide + edge, top + tall + edge, varied(rng, board, 10))
    if rng.coin():
        for rim in (top - edge + 1, top + tall + edge - 2):
            canvas.box(left - edge + 1, rim, left + wide + edge - 1, rim + 1, light(ink, 0.2))
    marks = tuple(write(canvas, word, left, top, dot, ink))
    return canvas.finish(), marks
