"""Asking by hand: pictures and words in order, history, demonstrations, choices, and all that can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image as PILImage

from mmeval.cli import main
from mmeval.conversation import Chat, from_json, parts_of
from mmeval.types import Image, InputError, Shot, Unsupported
from tests.fake_model import FakeModel


def call(*arguments: object, stdin: str = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        PILImage.new("RGB", (24, 24), color).save(tmp_path / name)
    return tmp_path


def test_parts_stand_in_the_order_given(pictures: Path) -> None:
    model = FakeModel(lambda request: " red \n")
    answer = Chat(model).ask("First", "this:", pictures / "a.png", pictures / "b.png", "which is red ?")
    before, first, second, asked = model.asked[0].prompt
    assert (before, asked) == ("First this:", "which is red ?")
    assert isinstance(first, Image) and isinstance(second, Image) and first.digest != second.digest
    assert answer.text == "red"


def test_what_was_said_stands_before_the_next_question(pictures: Path) -> None:
    model = FakeModel(lambda request: f"answer {len(request.shots)}")
    chat = Chat(model, shots=[Shot(("a demonstration",), "yes")])
    chat.ask(pictures / "a.png", "what is it ?")
    chat.ask("and why ?")
    assert [(shot.prompt[-1], shot.answer) for shot in model.asked[1].shots] == [
        ("a demonstration", "yes"),
        ("what is it ?", "answer 1"),
    ]
    chat.forget()
    chat.ask("again ?")
    assert [shot.answer for shot in model.asked[2].shots] == ["yes"]


def test_choices_are_weighed(pictures: Path) -> None:
    model = FakeModel(yes=lambda request: 0.8)
    answer = Chat(model).ask(pictures / "a.png", "is it red ?", choices=["yes", "no"])
    assert answer.text == "yes"
    assert answer.probabilities == pytest.approx({"yes": 0.8, "no": 0.2})


def test_pieces_add_up_to_the_answer(pictures: Path) -> None:
    pieces: list[str] = []
    answer = Chat(FakeModel(lambda request: "a red square")).ask("what ?", on_text=pieces.append)
    assert "".join(pieces) == answer.text == "a red square"


def test_a_refusal_leaves_the_conversation_as_it_was(pictures: Path) -> None:
    chat = Chat(FakeModel(max_images=1))
    with pytest.raises(Unsupported, match=r"2 pictures are to be shown and fake takes 1"):
        chat.ask(pictures / "a.png", pictures / "b.png", "which ?")
    with pytest.raises(InputError, match="no question; add some words"):
        chat.ask(pictures / "a.png")
    (pictures / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"broken\.png: not a picture"):
        chat.ask(pictures / "broken.png", "what ?")
    assert chat.history == []


def test_files_among_words_are_files() -> None:
    assert parts_of('look at a.png and "my own.JPG" : what\'s "new" ?') == [
        "look at",
        Path("a.png"),
        "and",
        Path("my own.JPG"),
        ': what\'s "new" ?',
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"prompt": [{"image": "../a.png"}, "what ?"]}, "leads out of"),
        ({"prompt": [{"image": "http://host/a.png"}]}, "is an address"),
        ({"prompt": [{"image": 3}]}, "neither a text nor"),
        ({"question": "what ?"}, "no prompt"),
        ({"prompt": "what ?", "shots": [{"prompt": "a"}]}, "shots: write"),
    ],
)
def test_lines_that_cannot_be_asked(value: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"line 7.*{message}"):
        from_json(value, tmp_path, "line 7")


def test_ask_answers_and_explains(pictures: Path) -> None:
    ended = call("ask", "--model", "constant:two words", pictures / "a.png", "what is it ?", "--explain")
    assert ended.exit_code == 0, ended.stderr
    assert ended.stdout.startswith("two words\nprompt\n<picture>what is it ?\n")
    assert "2 out" in ended.stdout


def test_many_questions_in_and_out(pictures: Path) -> None:
    rows = [
        {"id": 1, "prompt": [{"image": "a.png"}, "red ?"], "shots": [{"prompt": "blue ?", "answer": "no"}]},
        {"id": 2, "prompt": [{"image": "gone.png"}, "red ?"]},
        {"prompt": "red ?", "choices": ["yes", "no"]},
    ]
    path = pictures / "many.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ended = call("ask", "--model", "constant:red", "--jsonl", path)
    assert ended.exit_code == 1  # one of them has no answer
    first, second, third = map(json.loads, ended.stdout.splitlines())
    assert first == {"id": 1, "answer": "red"}
    assert second["id"] == 2 and "there is no picture" in second["error"]
    assert third["probabilities"] == {"yes": 0.5, "no": 0.5}


def test_a_chat_goes_on_after_a_bad_line(pictures: Path) -> None:
    lines = f"{pictures}/a.png what is it ?\ngone.png what ?\n/new\n/help\nand now ?\n/quit\nnot asked\n"
    ended = call("ask", "--model", "constant:red", "--chat", stdin=lines)
    assert ended.exit_code == 0, ended.stderr
    assert ended.stdout.count("red\n") == 2
    assert "there is no picture gone.png" in ended.stdout
    assert "no command '/help'; there are /new and /quit" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name pictures and a question"),
        (("--jsonl", "x.jsonl"), "x.jsonl: cannot be read (No such file or directory); name another file"),
        (("--jsonl", "x.jsonl", "words"), "--jsonl brings its own questions"),
        (("what ?", "--choices", "yes"), "give two or more"),
        (("what ?", "--shot", "a.png"), "write FILE=ANSWER"),
        (("gone.png", "what ?"), "there is no picture"),
        (("gone.mp4", "what ?"), "gone.mp4: no such file"),
    ],
)
def test_bad_arguments_are_a_sentence(arguments: tuple[str, ...], message: str) -> None:
    ended = call("ask", "--model", "constant", *arguments)
    assert ended.exit_code == 2
    assert message in ended.stderr
