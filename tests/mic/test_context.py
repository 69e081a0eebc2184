"""The context scheme: every picture is declared once, every mention follows its picture, no text is lost or doubled."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmeval.mmicl.context import CONTEXTS, ImageMention, ImagePlace, Part, written
from mmeval.mmicl.examples import Example, ExampleError, Turn, compose, from_json, to_json, with_shots

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12)


@st.composite
def examples(draw: st.DrawFn, name: str = "q", turns: int = 3) -> Example:
    """An example whose pictures stand anywhere in its turns, and are spoken of anywhere."""
    count = draw(st.integers(0, 4))
    count_of_turns = draw(st.integers(1, turns))
    turn_of = sorted(draw(st.lists(st.integers(0, count_of_turns - 1), min_size=count, max_size=count)))
    asked_turns = []
    for turn in range(count_of_turns):
        parts: list[Part] = [draw(TEXTS)]
        for picture in (k for k in range(count) if turn_of[k] == turn):
            parts += [ImagePlace(picture), draw(TEXTS)]
        if count:
            parts += [ImageMention(k) for k in draw(st.lists(st.integers(0, count - 1), max_size=3))]
        asked_turns.append(Turn(tuple(parts), draw(TEXTS.filter(str.strip))))
    return Example(name, "s", tuple(f"pictures/{name}-{k}.jpg" for k in range(count)), tuple(asked_turns))


@st.composite
def shot_examples(draw: st.DrawFn) -> Example:
    query = draw(examples())
    shots = [draw(examples(f"shot{k}", turns=1)) for k in range(draw(st.integers(0, 5)))]
    return with_shots(query, [*shots, query])


@pytest.mark.slow
@given(shot_examples())
def test_every_declared_index_stands_once_and_in_order(example: Example) -> None:
    conversation = compose(example)
    parts = conversation.prompt(len(conversation.exchanges) - 1)
    assert [part.picture for part in parts if isinstance(part, ImagePlace)] == list(range(len(conversation.images)))
    declared = [piece for piece in CONTEXTS["declaration"].pieces(parts) if not isinstance(piece, str | ImagePlace)]
    assert [tag.slot for tag in declared] == list(range(len(conversation.images)))


@given(shot_examples())
def test_every_place_has_its_picture_and_every_mention_its_own(example: Example) -> None:
    conversation = compose(example)
    assert conversation.images == example.all_images
    owners = [owner for owner in (*example.shots, example) for _ in owner.turns]
    for owner, exchange in zip(owners, conversation.exchanges, strict=True):
        for piece in exchange.ask:
            if not isinstance(piece, str):
                slot = piece.picture if isinstance(piece, ImagePlace) else piece.slot
                assert conversation.images[slot].startswith(f"pictures/{owner.id}-")


@given(shot_examples())
def test_nothing_is_lost_by_renumbering(example: Example) -> None:
    conversation = compose(example)
    turns = [turn for part in (*example.shots, example) for turn in part.turns]
    assert [exchange.answer for exchange in conversation.exchanges] == [turn.answer for turn in turns]
    assert len(conversation.exchanges) - conversation.shots == len(example.turns)
    for turn, exchange in zip(turns, conversation.exchanges, strict=True):
        assert [type(part) for part in exchange.ask] == [type(part) for part in turn.ask]
        assert [part for part in exchange.ask if isinstance(part, str)] == [p for p in turn.ask if isinstance(p, str)]


@given(shot_examples())
def test_demonstrations_never_include_the_query(example: Example) -> None:
    assert example.id not in [shot.id for shot in example.shots]


@pytest.mark.slow
@given(shot_examples())
def test_a_line_is_read_back_as_it_was(example: Example) -> None:
    line = to_json(example)
    assert "\n" not in line
    assert from_json(line) == example


def test_one_demonstration_does_not_take_the_querys_number() -> None:
    # the original numbers both pictures 0 where there is exactly one demonstration
    ask = (ImagePlace(0), "What is ", ImageMention(0), "?")
    shot = Example("a", "s", ("a.jpg",), (Turn(ask, "a cat"),))
    query = Example("b", "s", ("b.jpg",), (Turn(ask, "a dog"),))
    conversation = compose(with_shots(query, [shot]))
    text = written(CONTEXTS["declaration"].pieces(conversation.prompt(1)))
    assert text == (
        "image 0 is <image0>[picture].\nWhat is image 0? a cat\nimage 1 is <image1>[picture].\nWhat is image 1?"
    )
    assert Counter(re.findall(r"<image\d+>", text)) == {"<image0>": 1, "<image1>": 1}


def test_later_turns_come_after_earlier_answers() -> None:
    turns = (Turn((ImagePlace(0), "What is it?"), "A bus."), Turn(("Its color?",), "Red."))
    conversation = compose(Example("a", "s", ("a.jpg",), turns))
    assert conversation.prompt(1) == (ImagePlace(0), "What is it?", " A bus.\n", "Its color?")
    assert conversation.shots == 0


SHOWN = (ImagePlace(0),)


@pytest.mark.parametrize(
    ("images", "turns", "message"),
    [
        ((), (), "asks nothing"),
        (("a.jpg",), (Turn(SHOWN, " "),), "empty answer"),
        (("a.jpg",), (Turn(("what?",), "x"),), "shows 0 pictures but names 1"),
        (("a.jpg",), (Turn((ImagePlace(0), ImagePlace(0)), "x"),), "shows picture 0 where 1 is next"),
        (("a.jpg",), (Turn((ImagePlace(0), ImageMention(1)), "x"),), "mentions picture 1 of 1"),
        (("../a.jpg",), (Turn(SHOWN, "x"),), "outside its folder"),
        (("/a.jpg",), (Turn(SHOWN, "x"),), "outside its folder"),
        (("http://host/a.jpg",), (Turn(SHOWN, "x"),), "outside its folder"),
        (("a::http://host/a.jpg",), (Turn(SHOWN, "x"),), "outside its folder"),
        (("simplecache::a.jpg",), (Turn(SHOWN, "x"),), "outside its folder"),
    ],
)
def test_what_is_no_example(images: tuple[str, ...], turns: tuple[Turn, ...], message: str) -> None:
    with pytest.raises(ExampleError, match=message):
        Example("a", "s", images, turns)


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"id": 1, "images": [], "turns": [{"ask": [{"x": 0}]}]}', "nan"])
def test_what_is_no_line(line: str) -> None:
    with pytest.raises(ExampleError):
        from_json(line)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shot": []}, "unknown key 'shot' in an example (did you mean 'shots'?)"),
        (dict.fromkeys("ponmlkjihgfedcba"), "unknown key 'p'"),  # the first, whatever the hashes of the others
        ({"images": "cat.jpg"}, "'images' must be a list"),
        ({"turns": [{"ask": [{"image": 0}], "answer": None}]}, "'answer' must be text, not null"),
        ({"turns": [{"ask": [{"image": 1e400}], "answer": "x"}]}, "'image' must be a whole number"),
        ({"turns": [{"ask": [{"image": 0, "mention": 0}], "answer": "x"}]}, "'ask' holds texts"),
        ({"turns": [{"ask": ["\ud800"], "answer": "x"}]}, "an incomplete character"),
    ],
)
def test_what_is_wrong_with_a_line_is_reported(change: dict[str, object], message: str) -> None:
    line = {"id": "a", "images": ["a.jpg"], "turns": [{"ask": [{"image": 0}], "answer": "x"}]}
    assert from_json(json.dumps(line)).images == ("a.jpg",)
    with pytest.raises(ExampleError, match=re.escape(message)):
        from_json(json.dumps({**line, **change}))
