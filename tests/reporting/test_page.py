"""The page's file: its contents and escapes. `test_page_in_chromium` tests it in a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval.comparison import Row
from mmeval.reporting import browser, page, radar, table
from mmeval.reporting.browser import Answer, Other, browse
from mmeval.task_loading import load_task
from mmeval.types import Estimate, Image, Record, Request, Score, Shot
from tests.reporting.made_up import AXES, chart, scores

HOSTILE = (
    "</script></li><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\x00\x1b[31m\u202e]]>&amp;<!--"
)


class _Tags(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def made_table(title: str = "mmicl-tiny on MME") -> table.Table:
    return table.tabulate(load_task("mme"), scores(), title, "embedded picture world")


def answers(count: int, text: str = "Yes", pictures: Callable[[int], Sequence[str]] = lambda _: ()) -> list[Answer]:
    """Answers to questions of all axes in turn; every fifth is right."""
    names = list(AXES)
    result = []
    for index in range(count):
        name, right = names[index % 14], index % 5 == 0
        target = "Yes" if right else "No"
        record = Record(
            f"{name}/{index}", (target,), name, question=f"Is it {index}?", text=text, sent=f"<image>Is it {index}?",
            images=tuple(pictures(index)), digest=f"{index:016x}", input_tokens=40, output_tokens=2,
        )  # fmt: skip
        score = Score(float(right), "correct" if right else "incorrect", "yes")
        result.append(Answer(record, {"official": score, "strict": score}))
    return result


def write(folder: Path, shown_answers: Sequence[Answer] = (), title: str = "a run", **options: Any) -> Path:
    """Write a page of these answers."""
    figure = radar.inline(chart(title))
    facts = {"Date": "2026-11-27", "Model": title}
    samples = browse(shown_answers or answers(30), AXES, **options)
    return page.write(folder, made_table(title), samples, facts, {"": "mmeval run --task mme"}, [figure])


def data(path: Path) -> dict[str, Any]:
    """Return the data that the page's script reads."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.DOTALL)
    assert match
    return dict(json.loads(match[1]))


def requests(
    shown_answers: Sequence[Answer], picture: Callable[[str], Image]
) -> Callable[[Collection[str]], Iterator[Request]]:
    """Return a function that finds requests by id, each with its own picture."""

    def find(ids: Collection[str]) -> Iterator[Request]:
        for answer in shown_answers:
            if answer.record.id in ids:
                yield Request(answer.record.id, (picture(answer.record.id), "Is it?"))

    return find


def colored(id: str) -> Image:
    red, green, blue, *_ = hashlib.sha256(id.encode()).digest()
    return Image(PILImage.new("RGB", (40, 20), (red, green, blue)))


def pictured(count: int) -> list[Answer]:
    """Answers whose records hold the digests of `colored` pictures."""
    return [
        replace(answer, record=replace(answer.record, images=(colored(answer.record.id).digest,)))
        for answer in answers(count)
    ]


def hostile(title: str = HOSTILE) -> list[Answer]:
    """An answer all of whose texts are hostile."""
    record = Record(
        title, (title,), title, question=title, text=title, error=title, reasoning=title, sent=title, choices=(title,)
    )
    return [Answer(record, {"official": Score(0.0, "unparsed", title), title: Score(0.0, "incorrect", None)})]


def test_no_text_of_a_model_or_of_data_is_markup(tmp_path: Path) -> None:
    samples = browse(hostile(), {HOSTILE: HOSTILE})
    path = page.write(tmp_path, made_table(HOSTILE), samples, {"Model": HOSTILE}, {HOSTILE: HOSTILE})
    html = path.read_text("utf-8")
    parsed = _Tags(html)
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    assert not [attrs for _, attrs in parsed.tags if any(name.startswith("on") for name in attrs)]
    assert not [tag for tag, _ in parsed.tags if tag == "img"]
    (sample,) = data(path)["samples"]
    for key in ("id", "question", "answer", "error", "reasoning", "sent"):
        assert sample[key] == HOSTILE, "whole, as it was written"
    embedded = html[html.index('id="data"') : html.index('id="thumbnails"')]
    assert "<" not in embedded.partition(">")[2].partition("</script>\n")[0], "nothing that a parser could stop at"


def test_the_policy_lets_only_the_pages_own_script_run_and_it_writes_no_markup(tmp_path: Path) -> None:
    html = write(tmp_path).read_text("utf-8")
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert forbidden not in script[1]


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    for tag, attributes in _Tags(write(tmp_path).read_text("utf-8")).tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)


def test_all_samples_are_there_with_what_each_reading_made_of_them(tmp_path: Path) -> None:
    content = data(write(tmp_path, answers(500)))
    assert len(content["samples"]) == 500
    assert content["readings"] == ["official", "strict"]
    count = next(sample for sample in content["samples"] if sample["id"] == "count/1")
    assert count["marks"] == [["incorrect", "yes"], ["incorrect", "yes"]]
    assert (count["answer"], count["targets"], count["sent"], content["axes"][count["category"]]) == (
        "Yes",
        ["No"],
        "<image>Is it 1?",
        "Count",
    )


def test_samples_stand_in_the_benchmarks_order_and_numbers_by_their_value(tmp_path: Path) -> None:
    shuffled = [replace(answer, record=replace(answer.record, groups={})) for answer in reversed(answers(200))]
    ids = [sample["id"] for sample in data(write(tmp_path, shuffled))["samples"]]
    assert ids[:4] == ["existence/0", "existence/14", "existence/28", "existence/42"]
    assert ids[7:9] == ["existence/98", "existence/112"]


def test_an_answer_by_likelihood_has_its_candidates(tmp_path: Path) -> None:
    record = Record("a", ("yes",), loglikelihoods=(-0.5, -1.5), question="?", images=("0" * 64,))
    find = lambda ids: [Request("a", (colored("a"), "?"), candidates=("yes", "no"))]  # noqa: E731
    (sample,) = data(write(tmp_path, [Answer(record, {"official": Score(1.0, "correct", "yes")})], find=find))[
        "samples"
    ]
    assert (sample["candidates"], sample["likelihoods"]) == (["yes", "no"], [-0.5, -1.5])
    assert "answer" not in sample  # there was no answer, and the page shows none


def test_demonstrations_are_there_with_their_pictures(tmp_path: Path) -> None:
    record = Record("a", ("x",), question="?", text="x", images=(colored("own").digest,))
    shots = tuple(Shot((colored(name), f"This is {name}"), name) for name in ("one", "two"))
    find = lambda ids: [Request("a", (colored("own"), "?"), shots)]  # noqa: E731
    path = write(tmp_path, [Answer(record, {"official": Score(1.0, "correct", "x")})], find=find)
    (sample,) = data(path)["samples"]
    assert [(shot["question"], shot["answer"]) for shot in sample["shots"]] == [
        ("This is one", "one"),
        ("This is two", "two"),
    ]
    assert len(json.loads(path.read_text("utf-8").split('id="thumbnails">')[1].split("</script>")[0])) == 3


def test_pictures_stay_within_the_budget_and_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown_answers = pictured(60)
    monkeypatch.setattr(browser, "BUDGET", 20 * len(browser._thumbnail(colored("x"), 512)))
    samples = browse(shown_answers, AXES, find=requests(shown_answers, colored))
    assert 18 <= samples.data["thumbnails"] <= 22
    assert samples.data["pictures"] == 60
    html = page.write(tmp_path, made_table(), samples, {}, {}).read_text("utf-8")
    assert f"Pictures in this page: {samples.data['thumbnails']} of 60;" in html


def test_pictures_of_wrong_answers_come_first_and_evenly_from_all_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_answers = pictured(280)
    monkeypatch.setattr(browser, "MOST", 56)
    monkeypatch.setattr(browser, "SIDES", {56: 100})
    requested: list[Collection[str]] = []
    browse(shown_answers, AXES, find=lambda ids: requested.append(ids) or ())  # type: ignore[func-returns-value]
    outcomes = {answer.record.id: answer.score.outcome for answer in shown_answers}
    assert len(requested[0]) == 56 and {outcomes[id] for id in requested[0]} == {"incorrect"}
    assert all(sum(id.startswith(f"{axis}/") for id in requested[0]) == 4 for axis in AXES)


def test_a_broken_picture_is_left_out(tmp_path: Path) -> None:
    shown_answers = pictured(3)
    broken = shown_answers[1].record.id
    find = requests(shown_answers, lambda id: Image(b"broken") if id == broken else colored(id))
    assert browse(shown_answers, AXES, find=find).data["thumbnails"] == 2


def test_pictures_of_an_earlier_page_are_kept_and_those_of_changed_samples_are_not(tmp_path: Path) -> None:
    shown_answers = pictured(20)
    path = write(tmp_path, shown_answers, find=requests(shown_answers, colored))
    requested: list[Collection[str]] = []

    def find(ids: Collection[str]) -> list[Request]:
        requested.append(ids)
        return []

    rebuilt = browse(shown_answers, AXES, find=find, before=path)
    assert not requested and rebuilt.data["thumbnails"] == 20
    changed = [replace(shown_answers[0], record=replace(shown_answers[0].record, digest="other")), *shown_answers[1:]]
    assert browse(changed, AXES, find=find, before=path).data["thumbnails"] == 19
    assert requested == [[shown_answers[0].record.id]]


@pytest.mark.parametrize("damage", [lambda t: t[:3000], lambda t: t.replace('"samples"', '"other"'), lambda t: ""])
def test_a_damaged_page_is_made_anew(damage: Callable[[str], str], tmp_path: Path) -> None:
    shown_answers = pictured(4)
    path = write(tmp_path, shown_answers, find=requests(shown_answers, colored))
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    assert browse(shown_answers, AXES, find=requests(shown_answers, colored), before=path).data["thumbnails"] == 4


def test_a_long_text_is_cut_with_its_length_stated(tmp_path: Path) -> None:
    (sample,) = data(write(tmp_path, answers(1, "x" * 100_000)))["samples"]
    assert sample["answer"].endswith("… (96,000 more characters)")


def test_what_a_control_answered_stands_beside_the_answer(tmp_path: Path) -> None:
    shown_answers = answers(3)
    blind = Other("blind", {shown_answers[0].record.id: Score(0.0, "incorrect", "no")})
    samples = browse(shown_answers, AXES, [blind])
    values = {sample["id"]: sample["others"] for sample in samples.data["samples"]}
    assert samples.data["others"] == ["blind"]
    assert values == {"existence/0": [["incorrect", "no"]], "count/1": [None], "position/2": [None]}
    judged = Other(
        "other", {shown_answers[0].record.id: Score(0.1, "correct")}, {shown_answers[0].record.id: ["a horse"]}
    )
    assert browse(shown_answers, AXES, [judged]).data["samples"][0]["others"] == [["correct", None, "a horse", 0.1]]


def test_all_sampled_answers_are_listed() -> None:
    """The outcome is that of most answers; the first answer alone beside it would contradict it."""
    (first,) = answers(1)
    sampled = replace(first, record=replace(first.record, text="Yes", samples=("Yes", "No\nNo", "")))
    other = Other("other", {first.record.id: first.score}, {first.record.id: ("No", "x" * 3000)})
    (row,) = browse([sampled], AXES, [other]).data["samples"]
    assert row["answer"] == "1. Yes\n2. No\nNo\n3. (empty)"
    assert row["others"][0][2] == f"1. No\n2. {'x' * 2000} … (1,000 more characters)"


def test_counts_of_sampled_answers_are_no_counts_of_questions(tmp_path: Path) -> None:
    assert "of 120 sampled answers" in write(tmp_path, answers(30)).read_text("utf-8")
    assert "sampled answers" not in write(tmp_path, answers(120)).read_text("utf-8")


def test_a_command_is_copied_as_it_was_typed(tmp_path: Path) -> None:
    typed = "mmeval run --max-new-tokens 3 --system 'Look.\n\n  Do <b>not</b>\u202e  guess --ever.'"
    written = page.write(tmp_path, made_table(), browse(answers(1), AXES), {}, {"": typed}).read_text("utf-8")
    html = written.split('<pre class="command">')[1].split("</pre>")[0]
    assert _Tags(html).text == typed.replace("\u202e", "")
    assert {tag for tag, _ in _Tags(html).tags} == {"span"}


def test_rows_without_a_value_are_reported_and_not_shown_empty(tmp_path: Path) -> None:
    html = write(tmp_path).read_text("utf-8")
    rows = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', html)
    assert "Scene" not in rows and "Count" in rows
    assert "No value: Scene (no answers)." in html
    assert "–</" not in html


def test_the_same_run_makes_the_same_page(tmp_path: Path) -> None:
    shown_answers = pictured(10)
    first = write(tmp_path, shown_answers, find=requests(shown_answers, colored)).read_bytes()
    assert write(tmp_path, shown_answers, find=requests(shown_answers, colored)).read_bytes() == first


def test_numbers_that_are_none_do_not_break_the_page(tmp_path: Path) -> None:
    record = Record("a", ("x",), loglikelihoods=(float("nan"), -1.0), seconds=float("inf"), question="?")
    html = write(tmp_path, [Answer(record, {"official": Score(0.0, "incorrect", None)})]).read_text("utf-8")
    data = html.split('id="data">')[1].split("</script>")[0]
    assert "NaN" not in data and '"l"' not in data  # the second option's bar must not be the first one's


def test_runs_side_by_side_have_each_number_and_the_difference_where_it_is_known() -> None:
    figure = chart("one", HOSTILE)
    estimate = Estimate(100.0, 90.0, 110.0, 80, 200.0, None)
    difference = Estimate(-12.5, -20.25, -4.0, 80, 200.0, None)
    html = page.comparison(
        figure, [Row("count", "Count", False, estimate, estimate, difference, p=0.01, adjusted=0.021)]
    )
    parsed = _Tags(html)
    assert "script" not in [tag for tag, _ in parsed.tags] and "img" not in [tag for tag, _ in parsed.tags]
    assert all(f">{label}</th>" in html for label in (*AXES.values(), "Perception"))
    assert "<b>−12.50</b>" in html and "−20.2 to −4.0" in html and ">0.021</td>" in html
    assert "Difference" not in page.comparison(figure)
