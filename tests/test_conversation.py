"""Conversations: pictures and words in order, history, demonstrations, choices, and all errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image as PILImage

from mmeval.cli import main
from mmeval.conversation import Chat
from mmeval.conversation.messages import from_json, marked_parts, parts_of
from mmeval.types import Image, InputError, Request, Shot, Unsupported, images
from tests.fake_model import FakeModel
from tests.mic.mic_folders import clip
from tests.tasks.small_folders import call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, color in (("a.png", "red"), ("b.png", "blue")):
        PILImage.new("RGB", (24, 24), color).save(tmp_path / name)
    return tmp_path


def test_parts_stand_in_the_order_given(pictures: Path) -> None:
    model = FakeModel(lambda request: " red \n")
    answer = Chat(model).ask("First", "this:", pictures / "a.png", pictures / "b.png", "which is red ?")
    text, first, second, question = model.asked[0].prompt
    assert (text, question) == ("First this:", "which is red ?")
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
    with pytest.raises(Unsupported, match=r"fake takes 1 picture and the prompt has 2; show fewer"):
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
        ({"prompt": [{"image": "http://host/a.png"}]}, "is a URL; mmeval downloads no pictures"),
        ({"prompt": [{"image": 3}]}, "neither a text nor"),
        ({"prompt": [{"image": "/dev/zero"}]}, "prompt: '/dev/zero' is not a picture or a video by its ending"),
        ({"question": "what ?"}, "prompt: it is missing; write"),
        ({"prompt": "what ?", "shots": [{"prompt": "a"}]}, "shots: write"),
    ],
)
def test_lines_that_cannot_be_asked(value: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        from_json(value, tmp_path)


def test_ask_answers_and_explains(pictures: Path) -> None:
    result = call("ask", "--model", "constant:two words", pictures / "a.png", "what is it ?", "--explain")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("two words\nprompt\n<picture>what is it ?\n")
    assert "2 out" in result.stdout


def test_a_chat_goes_on_after_a_bad_line(pictures: Path) -> None:
    lines = f"{pictures}/a.png what is it ?\ngone.png what ?\n/new\n/help\nand now ?\n/quit\nnot asked\n"
    result = call("ask", "--model", "constant:red", "--chat", stdin=lines)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("red\n") == 2
    assert "gone.png: no such file" in result.stderr
    assert "no command '/help'; there are /new and /quit" in result.stderr


def test_what_is_typed_in_another_encoding_and_answered_with_controls_is_text(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ask", "--model", "constant:red", "--chat"], input=b"is it gr\xfcn ?\n")
    assert result.exit_code == 0 and result.stdout.count("red\n") == 1
    (tmp_path / "a.jsonl").write_text('{"prompt": "is it ?"}\n')
    result = call("ask", "--model", "constant:rot \x9b2J \xfc", "--jsonl", tmp_path / "a.jsonl")
    assert "\x9b" not in result.stdout and json.loads(result.stdout)["answer"] == "rot \x9b2J \xfc"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name pictures and a question"),
        (("--jsonl", "x.jsonl"), "x.jsonl: cannot be read (No such file or directory); name another file"),
        (("--jsonl", "x.jsonl", "words"), "--jsonl brings its own questions"),
        (("what ?", "--choices", "yes"), "give two or more"),
        (("what ?", "--shot", "a.png"), "write FILE=ANSWER"),
        (("what ?", "--choices", "yes,yes"), "give two or more, all different"),
        (("what ?", "--beams", "0"), "beams is 0; choose 1 or more"),
        (("what ?", "--max-new-tokens", "0"), "max_new_tokens is 0; choose 1 or more"),
        (("what ?", "--frames", "0"), "frames is 0; choose 1 or more"),
        (("gone.png", "what ?"), "gone.png: no such file; name a picture or a video"),
        (("a.pgn", "what ?"), "a.pgn: no such file, and no picture or video by its ending (did you mean '.png'?)"),
        (("/dev/zero", "what ?"), "/dev/zero: not a file; name a picture"),
        ((f"{'a' * 300}.png", "what ?"), "aaa.png: no such file; name a picture"),
        (("gone.mp4", "what ?"), "gone.mp4: no such file; name a picture or a video"),
        (("what ?", "--shot", "gone.png=a horse"), "gone.png: no such file"),
        (("folder.png", "what ?"), "folder.png: not a file"),
        (("https://example.org/a.png", "what ?"), "https://example.org/a.png: a URL; download the file"),
        (("noending", "what ?"), "noending: not a picture or a video by its ending"),
        (("./folder.png/in", "what ?"), "./folder.png/in: a folder"),
        (("a.png",), "there is no question"),
        (("--jsonl", "empty.jsonl"), "empty.jsonl: has no questions"),
    ],
)
def test_bad_arguments_are_a_sentence_before_a_model_is_loaded(
    arguments: tuple[str, ...], message: str, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    (pictures / "noending").write_bytes((pictures / "a.png").read_bytes())
    (pictures / "folder.png" / "in").mkdir(parents=True)
    (pictures / "empty.jsonl").touch()
    result = call("ask", "--model", "no-such-model", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_words_may_be_long_and_name_a_folder(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    (pictures / "red").mkdir()
    for words in ("red", "this/or that " * 3000, "site.org", "1.5", "is this a.pgn"):
        assert call("ask", "--model", "constant:red", "a.png", words).stdout == "red\n"


def test_an_empty_answer_is_reported(pictures: Path) -> None:
    result = call("ask", "--model", "constant: ", pictures / "a.png", "what ?")
    assert result.stdout.strip() == "" and result.stderr == "(an empty answer)\n"


def test_choices_differ(pictures: Path) -> None:
    for choices in (["yes"], ["yes", "yes"]):
        with pytest.raises(InputError, match="choices: give two or more, all different"):
            Chat(FakeModel()).ask("what ?", choices=choices)


def test_pictures_stand_where_their_marks_are() -> None:
    assert marked_parts("this <image> or that <image> ?", ["a.png", "b.png", "c.png"]) == [
        Path("a.png"), "this", Path("b.png"), "or that", Path("c.png"), "?",
    ]  # fmt: skip
    with pytest.raises(InputError, match="<image> 1 time and 0 pictures"):
        marked_parts("<image> ?", [])
    with pytest.raises(InputError, match="the maximum is 4,000"):
        marked_parts("word " * 10_000, [])


def brightness(request: Request) -> str:
    return " ".join(str(image.decode().convert("L").getpixel((4, 4))) for image in images(request.prompt))


def test_again_under_a_control(pictures: Path) -> None:
    model = FakeModel(brightness)
    chat = Chat(model)
    reply = chat.ask(pictures / "a.png", "what is it ?")
    assert chat.again(reply.request, "grey").text == "127" != reply.text
    assert [shot.answer for shot in chat.history] == [reply.text]
    assert images(model.asked[-1].prompt)[0].decode().size == (24, 24)
    chat.again(reply.request, "absent")
    assert model.asked[-1].prompt == ("what is it ?",)


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ("swap-any-0", "no other question has the same number of different pictures"),
        ("only-first", "it has no second picture"),
        ("shots-none", "it has no demonstrations"),
        ("text", "ask the language model itself"),
    ],
)
def test_controls_that_cannot_act(control: str, message: str, pictures: Path) -> None:
    chat = Chat(FakeModel())
    reply = chat.ask(pictures / "a.png", "what is it ?")
    with pytest.raises(InputError, match=f"the control '{control}' cannot act: {message}"):
        chat.again(reply.request, control)


def test_turned_options_keep_their_likelihoods(pictures: Path) -> None:
    chat = Chat(FakeModel(yes=lambda request: 0.8))  # whatever stands first
    reply = chat.ask(pictures / "a.png", "which ?", choices=["red", "green", "blue"])
    rotated = chat.again(reply.request, "rotate1")
    assert rotated.probabilities[rotated.text] == pytest.approx(0.8)
    assert rotated.text != reply.text == "red"


def test_ask_shows_what_controls_change(pictures: Path) -> None:
    result = call("ask", "--model", "constant:red", pictures / "a.png", "what ?", "--control", "grey,only-last")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "red",
        "grey: red (the same answer)",
        "only-last: the control 'only-last' cannot act: it has no second picture",
    ]
    assert "did you mean 'grey'" in call("ask", "--model", "constant", "what ?", "--control", "gray").stderr


def test_a_short_video_is_shown_whole(tmp_path: Path) -> None:
    pytest.importorskip("av")
    clip(tmp_path / "a.mp4", seconds=1, rate=5)
    model = FakeModel()
    Chat(model).ask(tmp_path / "a.mp4", "what happens ?")
    assert len(images(model.asked[0].prompt)) == 5
