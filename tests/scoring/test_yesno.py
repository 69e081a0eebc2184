"""`official` is MME's four-character window; `strict` reads only what the answer says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mmeval.cards.task import load
from mmeval.scoring.readings.strict.languages import Language
from mmeval.scoring.readings.yesno import official, refuses, scorer, strict
from mmeval.types import InputError, Record
from tests.tasks.small_folders import jsonl, run


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes.", "yes"),
        ("NO", "no"),
        ("None of it", "no"),  # a false friend
        ("Eyes", "yes"),  # another
        ("**Yes**", None),  # two characters of markup leave room for "no" but not for "yes"
        ("**No**", "no"),
        ("    yes", None),
        ("Noyes", "no"),
        ("yes/no", "yes"),
        ("", None),
        ("是", None),
    ],
)
def test_official(text: str, label: str | None) -> None:
    assert official(text) == label


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "**Yes**, it does.",
        "- Yes\n- because of the hat",
        "Yes it is.",
        "Yes, it is not black.",  # but another color
        'Yes, the sign says "no entry"',
        'Yes, the sign says "no entr',  # cut off within the quotation
        "The answer is: yes.",
        'The answer is "yes".',
        "So the answer is yes, not no.",
        "Is it a cat? No. Is it a dog? Final answer: Yes",
        "<think>no, no, no</think>Yes",
        "it is not a cat</think>\nYes",
        r"\boxed{\text{Yes}}",
        '{"reason": "no cat", "answer": "yes"}',
        "Note: yes",
        "No. 7 in the list: yes",  # a number
        "Ｙｅｓ",
        "是的，图中有一只狗。",
        "是",
        "答案：是",
        "Yes!!!",
        "YES\N{ZERO WIDTH SPACE}",
        "True",
    ],
)
def test_strict_reads_a_yes(text: str) -> None:
    assert strict(text) == "yes"


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "***No***",
        "No there is not.",
        "No, the sign does not say yes.",
        'No. It says "YES".',
        "There is no dog, so the answer is no.",
        "Definitely not.",
        "nope",
        "否",
        "不是的，这是一只猫。",
        "Yes or no? No.",
        "<answer>no</answer>",
        "Final Answer:\n**No**",
        "N",
    ],
)
def test_strict_reads_a_no(text: str) -> None:
    assert strict(text) == "no"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "No idea",
        "no dog",  # says what is not there, not that the question is to be denied
        "none",
        "It is a dog.",
        "Yes and no.",
        "Yes, but actually no.",
        "Yes, it is not.",
        "yes, there aren't",
        "No, they are.",
        "Yes or no",
        "Please answer yes or no.",
        "yes/no",
        "The answer is not yes.",
        "The answer is no longer clear.",
        "If the answer is yes, there is a dog.",
        "I don't think the answer is yes",
        "Neither yes nor no",
        "It could be yes.",
        "The sign says: no",
        "The word reads:\n\nYes",
        "It says no",
        'The image shows the words "no smoking',
        "Yes?",
        "是不是",
        "<think>yes, I think so, but",  # cut off before it answered
        "yes-man",
        "eyes",
        "know",
    ],
)
def test_strict_guesses_nothing(text: str) -> None:
    assert strict(text) is None


@pytest.mark.parametrize(
    ("language", "yes", "no", "neither"),
    [
        (
            "zh",
            "是 有 对 正确 有，图中有一只狗。 答案是有 答案：是 是的。",
            "否 没有 不对 错误 没有，图中没有狗。 不是 答案是否",
            "有没有？ 对不起 可能是 没有狗 是否",
        ),
        (
            "es",
            "Sí sí,|Sí, hay un perro.|La respuesta es sí.|Sí hay un perro",
            "No.|No, no hay.|Falso",
            "Sí o no|No hay perro|Si hay",
        ),
        (
            "fr",
            "Oui|Oui, il y a un chien.|Oui il y a|La réponse est oui.",
            "Non|Non, il n'y en a pas.",
            "Oui ou non|oui?",
        ),
        (
            "de",
            "Ja|Ja, da ist ein Hund.|Die Antwort lautet: ja",
            "Nein|Nein, kein Hund.|NEIN",
            "Ja oder nein|Jahr|kein",
        ),
        ("pt", "Sim|Sim, há um cão.", "Não|não.|Nao", "sim ou não"),
        ("it", "Sì|Sì, c'è.|La risposta è sì", "No|No, non c'è.", "sì o no"),
        ("ru", "Да|Да, есть собака.|Ответ: да", "Нет|Нет, собаки нет.", "да или нет|дальше"),
        (
            "ja",
            "はい|はい、犬がいます。|答えは「はい」|そうです",
            "いいえ|いいえ、いません。|違います",
            "はい？|はいいろ",
        ),
        ("ko", "네|예.|네, 개가 있습니다.", "아니요|아니오, 없습니다.", "네 마리"),
        ("ar", "نعم|نعم، هناك كلب.", "لا|لا، لا يوجد كلب.", "نعم؟"),
        ("hi", "हाँ|हां, एक कुत्ता है।|जी हाँ", "नहीं|नहीं, कोई नहीं।", "हाँ?"),
        ("tr", "Evet|Evet, bir köpek var.", "Hayır|HAYIR|Hayır, yok.", "Evet veya hayır"),
        ("vi", "Có|Có, có một con chó.|Vâng", "Không|Không, không có.", "Có không?"),
    ],
)
def test_yes_and_no_in_the_languages_that_are_named(language: Language, yes: str, no: str, neither: str) -> None:
    for texts, label in ((yes, "yes"), (no, "no"), (neither, None)):
        for text in texts.split("|" if "|" in texts or language != "zh" else " "):
            assert strict(text, (language,)) == label, text
            if language not in ("zh", "es", "it"):  # whose words English or the default knows
                assert strict(text) is None, text


def test_a_card_names_its_languages(tmp_path: Path) -> None:
    jsonl(tmp_path / "q.jsonl", [{"q": "¿Hay un perro?", "a": "Sí"}, {"q": "¿Y un gato?", "a": "no"}])
    values = {"about": "x", "kind": "yes/no", "files": "q.jsonl", "fields": {"question": "q", "answer": "a"}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**values, "languages": "es"}), encoding="utf-8")
    scores = run(tmp_path / "mine.yaml", tmp_path, tmp_path / "run", "constant:Sí, hay uno.")
    assert scores.counts.correct == scores.counts.incorrect == 1
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(InputError, match="must be yes or no, in one of the card's languages"):
        list(load(tmp_path / "mine.yaml").samples(str(tmp_path)))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("There is no dog. Yes, a cat. So the answer is no.", "no"),
        ("Yes... no, wait. \\boxed{no}", "no"),
        ("The answer is yes. The answer is no.", "no"),  # the last stands
        ("If the answer is yes, there is a dog. The answer is no.", "no"),
        ("The answer might be yes.", None),
        ("The answer is yes or no.", None),
        ("<think>Yes.</think> No", "no"),
        ("[THINK]Yes[/THINK]No", "no"),
        ("<answer>Yes</answer>", "yes"),
        ("Incorrect.", "no"),
    ],
)
def test_a_declared_answer_outranks_what_was_said_on_the_way(text: str, label: str | None) -> None:
    assert strict(text) == label


OPENINGS = ["", " ", "**", "> ", "1. ", "Well, ", "The answer is ", "Answer: ", "I think ", "(", '"', "<s>", "\n\n"]
ENDINGS = ["", ".", "!", "**", '"', ")", "</s>", ", it is.", ". The sign says", " there is", "\n", "，"]


@given(st.sampled_from(OPENINGS), st.sampled_from(ENDINGS))
def test_strict_is_never_turned_around_by_what_stands_around_the_word(opening: str, ending: str) -> None:
    assert strict(f"{opening}Yes{ending}") in ("yes", None)
    assert strict(f"{opening}No{ending}") in ("no", None)


@given(st.text(max_size=60))
@example("İ" * 5)
@example("\ud800yes")
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert official(text) in ("yes", "no", None)
    assert strict(text) in ("yes", "no", None)


@given(
    st.lists(st.sampled_from(["yes", "no", "not", "the answer is", '"', "'", ".", ",", "?", "dog", "\n", "/", "是"]))
)
def test_a_no_that_is_said_is_never_read_as_yes(words: list[str]) -> None:
    text = " ".join(words)
    if "yes" not in text and "是" not in text:
        assert strict(text) != "yes"
    if "no" not in words and "not" not in words:
        assert strict(text) != "no"


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["a", '"', " '", "final answer ", "<think>", "yes ", "no.", "a/", "是", "\n", "<", "* ", "y ", '"answer" ']
)
def test_a_hundred_thousand_characters_take_no_time(unit: str) -> None:
    text = "final answer" + unit * (100_000 // len(unit))
    start = time.process_time()
    strict(text)
    refuses(text)
    assert time.process_time() - start < 10  # some 0.5 s; a quadratic reading takes minutes


@pytest.mark.parametrize(
    "text", ["I cannot help with that.", "As an AI language model, I do not see", "I’m sorry, but I can’t assist."]
)
def test_a_refusal(text: str) -> None:
    assert refuses(text)
    assert scorer(strict)(Record("1", ("yes",), text=text)).outcome == "refused"


@pytest.mark.parametrize("text", ["I do not know.", "", "The man cannot swim."])
def test_not_a_refusal(text: str) -> None:
    assert scorer(strict)(Record("1", ("yes",), text=text)).outcome == "unparsed"


def test_what_an_answer_is_worth() -> None:
    score = scorer(official)
    assert score(Record("1", ("yes",), text="Yes")).value == 1.0
    assert score(Record("1", ("yes",), text="No")).value == 0.0
    assert score(Record("1", ("yes",), text="Maybe")).value == 0.0  # wrong, and counted as unparsed
    assert score(Record("1", ("yes",), error="broken picture")).value is None  # not wrong: never answered


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("en", "According to the chart, yes.", "yes"),
        ("en", "The user said there is a dog. No, there is not.", "no"),
        ("en", 'The sign says "open", so yes.', "yes"),
        ("en", "The user believes the answer is yes.", None),
        ("en", "According to the forum, yes.", None),
        ("en", "My friend says the answer is: yes", None),
        ("en", "My teacher told me: no.", None),
        ("en", 'The poster reads "Answer: yes".', None),
        ("en", "In question 2 the answer was yes.", None),
        ("es", "La respuesta correcta es sí.", "yes"),
        ("fr", "La bonne réponse est oui.", "yes"),
        ("pt", "A resposta correta é sim.", "yes"),
        ("tr", "cevap doğru", "yes"),
        ("ru", "Правильный ответ: да", "yes"),
        ("ja", "答えははい", "yes"),
        ("ar", "الإجابة الصحيحة هي نعم", "yes"),
        ("nl", "Het antwoord is nee.", "no"),
        ("pl", "Tak, to jest kot.", "yes"),
        ("id", "Tidak.", "no"),
    ],
)
def test_an_answer_is_declared_by_the_model_itself_in_any_known_language(
    language: Language, text: str, label: str | None
) -> None:
    assert strict(text, (language,)) == label


@pytest.mark.parametrize(
    "text",
    [
        "Yes, maybe.",
        "Yes. Perhaps.",
        "Yes, but I am not sure.",
        "Yes, I don't know",
        "Yes, the answer cannot be determined.",
        "Yes, unless it rains.",
        "Yes. That is wrong.",
        "It depends. Yes.",
        "P(yes)=0.3",
        "yes 30% no 70%",
        "50% yes",
        "Cannot determine. No.",
        "One answer is yes. Another answer is no",
        "The opposite answer is yes",
        "The answer would be yes, if it had a hat.",
        "The answer is yes, unless it rains",
        "No, I mean yes",
        "The answer is yes. Just kidding.",
    ],
)
def test_an_answer_that_stays_open_is_unread(text: str) -> None:
    assert strict(text) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("It's true.", "yes"),
        ("That is correct", "yes"),
        ("That's right.", "yes"),
        ("That is not true.", "no"),
        ("Of course not", "no"),
        ("Surely not.", "no"),
        ("That is correct, no.", "no"),
        ("It's true that a hat is on the table", None),
        ("No, that is wrong.", "no"),  # agrees with itself
        ("Yes, if you look closely.", "yes"),
        ("Yes (100%)", "yes"),
        ("No, it is a truck, possibly a fire engine.", "no"),
    ],
)
def test_whole_answers_without_yes_or_no(text: str, label: str | None) -> None:
    assert strict(text) == label
