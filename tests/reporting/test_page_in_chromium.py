"""The page in a real browser: appearance at several widths, keys and filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mmeval.bias.study import study
from mmeval.evaluation.results import report
from mmeval.evaluation.sweep import under_controls
from mmeval.reporting import bias
from mmeval.reporting.browser import Answer, Other, browse
from mmeval.reporting.page import comparison
from mmeval.reporting.page import write as write_page
from mmeval.runs.run import open_run
from mmeval.spec import RunSpec
from mmeval.types import Outcome, Record, Request, Score, Shot
from tests.chromium import PROGRAM, Browser, chromium
from tests.evaluating import evaluate
from tests.mme_folder import make_release
from tests.reporting.made_up import AXES, chart
from tests.reporting.test_page import HOSTILE, answers, colored, hostile, made_table, pictured, requests, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="no chromium is installed (Debian: apt-get install chromium)"),
]
ROWS = "document.querySelectorAll('.row').length"
SELECTED = "document.querySelector('.row[aria-selected=true] .question').textContent"
COUNT = "document.querySelector('#count').textContent"
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose controls were studied."""
    folder = tmp_path_factory.mktemp("studied")
    data = str(make_release(folder / "release"))
    run = evaluate("constant", "mme", out=folder / "run", data=data)
    under_controls(run, RunSpec("mme", "constant", data=data), ["blind,blur,length"])
    bias.write(run.folder, study(open_run(run.folder)))
    return report(open_run(run.folder))[0]


@pytest.fixture
def page(browser: Browser) -> Browser:
    browser.events.clear()
    return browser


def choose(page: Browser, id: str, text: str) -> None:
    """Choose the option with this text."""
    page.run(
        f"(() => {{ const s = document.querySelector('#{id}');"
        f" s.value = [...s.options].find((o) => o.text === {text!r}).value; s.dispatchEvent(new Event('change')); }})()"
    )


def test_hostile_texts_are_seen_and_do_nothing(page: Browser, tmp_path: Path) -> None:
    page.open(write(tmp_path, hostile(), HOSTILE))
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.run("document.querySelectorAll('script').length") == 3
    assert page.run("document.querySelectorAll('img[src=x], [onerror]').length") == 0
    detail = page.run("document.querySelector('.detail').textContent")
    visible = HOSTILE.replace("\x00", "\u2400").replace("\x1b", "\u241b").replace("\u202e", "\\u202e")
    assert detail.count(visible) >= 7  # id, question, option, error, answer, reading, target, reasoning, prompt
    assert page.complaints == []


def test_a_question_without_words_and_targets(page: Browser, tmp_path: Path) -> None:
    shown_answers = answers(2)
    shown_answers[0] = replace(shown_answers[0], record=replace(shown_answers[0].record, question="", targets=()))
    page.open(write(tmp_path, shown_answers))
    page.run("document.querySelector('.filters').reset()")
    page.run("new Promise((done) => setTimeout(done, 50))")
    page.run("document.querySelectorAll('.row')[0].click()")
    text = page.run("document.querySelector('.detail').textContent")
    assert shown_answers[0].record.id in text and "undefined" not in text and "Expected" not in text
    assert page.complaints == []


def test_nothing_is_loaded_but_the_file(page: Browser, tmp_path: Path) -> None:
    shown_answers = pictured(30)
    path = write(tmp_path, shown_answers, find=requests(shown_answers, colored))
    page.open(path)
    assert {url.partition(":")[0] for url in page.loaded} <= {"file", "data"}
    assert len([url for url in page.loaded if url.startswith("file")]) == 1
    assert page.run("fetch('https://example.org').then(() => 'sent', () => 'refused')") == "refused"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_cut_off(page: Browser, width: int, dark: bool, tmp_path: Path) -> None:
    page.open(write(tmp_path, answers(60)), width, 900, dark=dark)
    assert page.run(OVERFLOW) <= 0
    visible = "(one) => { const box = one.getBoundingClientRect(); return box.width > 0 && box.left >= 0"
    visible += " && box.right <= innerWidth; }"
    cells = "[...document.querySelectorAll('.scores tbody td')].filter((one) => one.textContent.trim())"
    assert page.run(f"{cells}.every({visible})"), "intervals and every other column"
    assert page.run("[...document.querySelectorAll('.scores tbody td')].some((one) => /^130/.test(one.textContent))")
    texts = "[...document.querySelectorAll('figure svg text')].filter((one) => one.getBoundingClientRect().width)"
    assert page.run(f"{texts}.length >= 14 && {texts}.every({visible})"), "the radar"
    ground = page.run("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(15, 20, 24)") == dark


@pytest.mark.parametrize("width", [400, 800, 1400])
def test_the_bias_panel_is_seen_whole(page: Browser, studied: Path, width: int) -> None:
    page.open(studied, width, 900)
    assert page.run(OVERFLOW) <= 0
    visible = "(one) => { const box = one.getBoundingClientRect(); return !box.width || (box.left >= 0"
    visible += " && box.right <= innerWidth); }"
    assert page.run("[...document.querySelectorAll('#bias details')].every((one) => one.open)") == (width > 720)
    page.run("document.querySelectorAll('#bias details').forEach((one) => { one.open = true; })")
    assert page.run(OVERFLOW) <= 0
    for selector in ("summary", "td", "svg text"):
        elements = f"[...document.querySelectorAll('#bias {selector}')]"
        assert page.run(f"{elements}.length > 2 && {elements}.every({visible})"), selector
    assert page.run("document.querySelectorAll('#bias figure').length") == 3
    assert page.run("[...document.querySelectorAll('#bias td')].some((one) => one.dataset.label === 'gain: Accuracy')")
    headings = "[...document.querySelectorAll('.stacked thead th')]"
    assert page.run(f"{headings}.find((one) => one.textContent === 'Baselines').getBoundingClientRect().width > 0")
    ticks = "[...document.querySelector('#bias figure').querySelectorAll('svg text')]"
    ticks += ".filter((one) => /^\u2212?[0-9]+$/.test(one.textContent)).map((one) => one.getBoundingClientRect())"
    apart = "(one, place, all) => !place || one.left > all[place - 1].right + 2"
    assert page.run(f"{ticks}.filter((one) => one.width).every({apart})"), "the ticks of the first figure"


@pytest.mark.parametrize("width", [400, 800, 1200, 1300, 1400])
def test_seven_runs_side_by_side_fit(page: Browser, width: int, tmp_path: Path) -> None:
    panel = comparison(chart(*(f"python:adapters:run-{number}" for number in range(7))))
    page.open(write_page(tmp_path, made_table(), browse(answers(9), AXES), {}, {}, panels={"Comparison": panel}), width)
    assert page.run(OVERFLOW) <= 0
    cells = "[...document.querySelectorAll('.several td')].map((one) => one.getBoundingClientRect())"
    assert page.run(f"{cells}.length > 80")
    if width != 800:  # there the card scrolls
        assert page.run(f"{cells}.every((box) => box.right <= innerWidth - 20)")


def test_paper_is_white(page: Browser, tmp_path: Path) -> None:
    page.open(write(tmp_path, answers(3)), dark=True)
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    page.call("Emulation.setEmulatedMedia", media="print", features=[dark])
    ground = page.run("getComputedStyle(document.body).backgroundColor")
    page.call("Emulation.setEmulatedMedia", media="")
    assert ground == "rgb(255, 255, 255)"


def test_only_what_is_in_view_is_in_the_document(page: Browser, tmp_path: Path) -> None:
    page.open(write(tmp_path, answers(5000)))
    assert page.run(COUNT) == "4,000 of 5,000"
    assert page.run(ROWS) < 60
    page.run("document.querySelector('.list').scrollTop = 1e9")
    page.run("new Promise((done) => setTimeout(done, 200))")
    assert page.run("document.querySelector('.row:last-child').getAttribute('aria-posinset')") == "4000"
    assert page.run(ROWS) < 60


def test_filters_and_search(page: Browser, tmp_path: Path) -> None:
    shown_answers = answers(140)
    strict = {**shown_answers[1].scores, "strict": Score(0.0, "unparsed", None)}
    shown_answers[1] = replace(shown_answers[1], scores=strict)
    page.open(write(tmp_path, shown_answers))
    assert page.run(COUNT) == "112 of 140"  # at first only what is not right
    choose(page, "axis", "Count")
    assert page.run(COUNT) == "8 of 140"
    choose(page, "outcome", "correct")
    assert page.run(COUNT) == "2 of 140"
    choose(page, "axis", "all")
    choose(page, "outcome", "all")
    choose(page, "reading", "where they differ")
    assert page.run(f"{COUNT} + {SELECTED}") == "1 of 140Is it 1?"
    choose(page, "reading", "strict")
    choose(page, "outcome", "unparsed")
    assert page.run(COUNT) == "1 of 140"
    page.run("document.querySelector('.filters').reset()")
    page.run("new Promise((done) => setTimeout(done, 50))")
    page.press("/")
    page.call("Input.insertText", text="IT 139?")
    page.run("new Promise((done) => setTimeout(done, 300))")
    assert page.run(f"{COUNT} + {SELECTED}") == "1 of 140Is it 139?"


def test_what_changed_under_a_control_is_found(page: Browser, tmp_path: Path) -> None:
    shown_answers = answers(20)
    scores = {answer.record.id: answer.score for answer in shown_answers}
    first = shown_answers[0].record.id  # right
    page.open(write(tmp_path, shown_answers, others=[Other("blind", scores | {first: Score(0.0, "incorrect", "no")})]))
    choose(page, "outcome", "all")
    choose(page, "other", "blind: right to wrong")
    assert page.run(COUNT) == "1 of 20"
    changes = page.run("[...document.querySelectorAll('.readings .changed')].map((one) => one.textContent)")
    assert changes == ["blind✗ incorrectno"]
    choose(page, "other", "blind: wrong to right")
    assert page.run(COUNT) == "0 of 20"
    assert "No sample matches" in page.run("document.querySelector('.detail').textContent")


def test_compared_runs_show_first_what_changed(page: Browser, tmp_path: Path) -> None:
    shown_answers = answers(20)
    scores = {answer.record.id: answer.score for answer in shown_answers}
    first = shown_answers[0].record.id  # right
    others = [Other("new", scores | {first: Score(0.0, "incorrect", "no")}, {first: ["No, never."]})]
    page.open(write(tmp_path, shown_answers, others=others, run="old"))
    assert page.run(COUNT) == "1 of 20"
    assert page.run("[...document.querySelectorAll('.row .mark')].map((one) => one.textContent)") == ["✓", "✗"]
    texts = page.run("[...document.querySelectorAll('.readings')][0].textContent")
    assert texts == "old✓ correctYesnew✗ incorrectNo, never."


def test_a_part_of_a_mark_is_shown_and_another_part_is_a_change(page: Browser, tmp_path: Path) -> None:
    half = {"official": Score(0.5, "correct"), "strict": Score(0.0, "incorrect")}
    shown_answers = [replace(answer, scores=half) for answer in answers(2)]
    second_run = Other(
        "theirs", {shown_answers[0].record.id: Score(0.5, "correct"), shown_answers[1].record.id: Score(0.9, "correct")}
    )
    page.open(write(tmp_path, shown_answers, others=[second_run], run="mine"))
    assert page.run(COUNT) == "1 of 2"
    text = page.run("document.querySelector('.detail').innerText")
    assert "correct, 0.5 of 1" in text and "correct, 0.9 of 1" in text
    titles = page.run("[...document.querySelectorAll('.row .mark')].map((one) => one.title)")
    assert titles == ["mine: correct", "theirs: correct"]


def test_keys(page: Browser, tmp_path: Path) -> None:
    shown_answers = pictured(40)
    page.open(write(tmp_path, shown_answers, find=requests(shown_answers, colored)))
    first = page.run(SELECTED)
    page.press("j")
    assert page.run(SELECTED) != first
    assert page.run("location.hash.startsWith('#sample=')")
    page.press("k")
    assert page.run(SELECTED) == first
    page.press("Enter")
    assert (
        page.run("document.querySelector('.viewer').open && document.querySelector('.viewer img').naturalWidth") == 40
    )
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape", windowsVirtualKeyCode=27)
    assert not page.run("document.querySelector('.viewer').open")


def test_a_sample_can_be_linked_to(page: Browser, tmp_path: Path) -> None:
    path = write(tmp_path, answers(300))
    for link in ("OCR%2F205", "OCR/205"):
        page.open(path, at=f"#sample={link}")
        assert page.run(SELECTED) == "Is it 205?"
    page.open(path, at="#sample=%")  # no id
    assert page.run(COUNT) == "240 of 300"
    choose(page, "axis", "Count")
    page.run("location.hash = '#sample=OCR%2F205'")  # which the filters hide
    page.until(f"{SELECTED} === 'Is it 205?'")
    assert page.run(f"document.querySelector('#axis').value + {COUNT}") == "300 of 300"


def test_back_uncovers_the_list_in_a_narrow_window(page: Browser, tmp_path: Path) -> None:
    page.open(write(tmp_path, answers(40)), 400, 800)
    shown = "getComputedStyle(document.querySelector('.detail')).display === 'block'"
    for leave in ("history.back()", "document.querySelector('.back').click()", "history.back()"):
        page.run("document.querySelectorAll('.row')[1].click()")
        page.run("document.querySelector('.head button:last-child').click()")
        assert page.run(shown)
        page.run(leave)
        page.until(f"!({shown}) && history.state === null")
    assert "report.html" in page.run("location.href"), "and no more than that"


def test_a_line_is_written_in_the_direction_of_its_words(page: Browser, tmp_path: Path) -> None:
    question = "\u0645\u0627 \u0647\u0630\u0627\nA. a saw (red)"  # a question in Arabic, an option in English
    (first,) = answers(1)
    page.open(write(tmp_path, [replace(first, record=replace(first.record, question=question))]))
    left = (
        "(() => { const range = new Range(), text = document.querySelector('.asked.text').firstChild;"
        " range.setStart(text, 6); range.setEnd(text, 8); const box = range.getBoundingClientRect();"
        " return box.left - text.parentNode.getBoundingClientRect().left; })()"
    )
    assert page.run(left) <= 10, "the option begins at the left"


def test_an_error_is_seen_in_the_list(page: Browser, tmp_path: Path) -> None:
    (first,) = answers(1)
    record = replace(first.record, text=None, error="the server answered 500")
    page.open(write(tmp_path, [Answer(record, {"official": Score(0.0, "error")})]))
    assert page.run("document.querySelector('.row .answer').textContent") == "the server answered 500"


def test_several_pictures_are_numbered_in_order_and_enlarged(page: Browser, tmp_path: Path) -> None:
    frames = [colored(str(index)) for index in range(8)]
    times = " ".join(f"{index / 2:.2f}" for index in range(8))
    record = Record("a", ("C",), question="What?", text="", images=tuple(frame.digest for frame in frames))
    record = replace(record, tags={"times": times}, choices=("x", "y", "z"))
    shots = (Shot((colored("shown"), "Before"), "this"),)
    find = lambda ids: [Request("a", (*frames, "What?"), shots)]  # noqa: E731
    page.open(write(tmp_path, [Answer(record, {"official": Score(0.0, "unparsed", None)})], find=find))
    captions = "[...document.querySelectorAll('.detail > .pictures figcaption')].map((one) => one.textContent)"
    assert page.run(captions) == [f"image {index + 1} · {index / 2:.2f} s" for index in range(8)]
    assert page.run("document.querySelector('.demonstrations img').getBoundingClientRect().width") > 50
    assert page.run("document.querySelector('.demonstrations figcaption').textContent") == "image 0"
    page.run("document.querySelectorAll('.detail > .pictures button')[2].click()")
    assert "image 3 · 1.00 s · 3 of 8" in page.run("document.querySelector('.viewer').textContent")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", windowsVirtualKeyCode=39)
    assert "4 of 8" in page.run("document.querySelector('.viewer').textContent")
    assert "(empty)" in page.run("document.querySelector('.came').textContent")


def test_likelihoods_are_bars_and_no_answer_is_shown(page: Browser, tmp_path: Path) -> None:
    record = Record("a", ("A",), question="What?", loglikelihoods=(-1.0, -2.0), choices=("left", "right"))
    page.open(write(tmp_path, [Answer(record, {"likelihood": Score(1.0, "correct", "A")})]))
    text = page.run("document.querySelector('.detail').textContent")
    assert "left73.1%−1.00" in text and "right26.9%−2.00" in text
    assert "(empty)" not in text and "Answer" not in text


def test_likelihoods_per_byte_are_those_of_the_stripped_text(page: Browser, tmp_path: Path) -> None:
    record = Record("a", ("A",), question="What?", loglikelihoods=(-4.0, -5.0), choices=(" left ", "right"))
    page.open(write(tmp_path, [Answer(record, {"likelihood": Score(1.0, "correct", "A")})], per_byte=True))
    assert page.run("[...document.querySelectorAll('.bars .num:not(.quiet)')].map((one) => one.textContent)") == [
        "50.0%",
        "50.0%",
    ]


def test_a_narrow_window_shows_one_sample_at_a_time(page: Browser, tmp_path: Path) -> None:
    page.open(write(tmp_path, answers(40)), 400, 800)
    hidden = "getComputedStyle(document.querySelector('.detail')).display"
    assert page.run(hidden) == "none"
    page.run("document.querySelectorAll('.row')[1].click()")
    assert page.run(hidden) == "block"
    assert page.run("document.querySelector('.detail').scrollWidth") <= 400
    page.run("document.querySelector('.back').click()")
    assert page.run(hidden) == "none"
    page.write("#search", "nothing like it")
    page.until("document.querySelector('.list').innerText === 'No sample matches these filters.'")
    page.open(tmp_path / "report.html", 400, 800, at="#sample=count%2F1")
    assert page.run(hidden) == "block" and "count/1" in page.run("document.querySelector('.detail').textContent")


def test_boxes_are_drawn_over_the_picture(page: Browser, tmp_path: Path) -> None:
    shown_answers = [pointed("[0.250, 0.250, 0.750, 0.750]", "correct"), pointed("[0.900, 0.900]", "incorrect")]
    path = write(tmp_path, shown_answers, find=requests(shown_answers, colored))
    page.open(path)
    shapes = "[...document.querySelectorAll('.detail .framed svg > *')].map((one) => one.outerHTML).join()"
    page.until("document.querySelector('.detail .framed circle.incorrect')")  # the right answer is filtered out
    assert 'cx="36" cy="18"' in page.run(shapes)
    choose(page, "outcome", "all")
    page.press("k")
    page.until("document.querySelector('.detail .framed rect.correct')")
    assert 'x="5" y="5" width="20" height="5" class="expected"' in page.run(shapes)
    assert 'x="10" y="5" width="20" height="10" class="correct"' in page.run(shapes)
    assert page.run("document.querySelector('.detail').textContent").count("[0.125, 0.250, 0.625, 0.500]") == 1
    assert page.complaints == []


def pointed(read: str, outcome: Outcome) -> Answer:
    """An answer to a question that asks for a box in a picture of 40 x 20 pixels."""
    target, size = "[0.125, 0.25, 0.625, 0.50000000000001]", {"width": "40", "height": "20"}
    record = Record(read, (target,), question="Where?", text=read, tags=size, images=(colored(read).digest,))
    return Answer(record, {"official": Score(float(outcome == "correct"), outcome, read)})


def test_the_list_leaves_out_the_words_that_all_questions_begin_with(page: Browser, tmp_path: Path) -> None:
    shown_answers = answers(3)
    lead = "Answer with a single word or phrase. Is it"
    path = write(
        tmp_path, [replace(o, record=replace(o.record, question=f"{lead} {n}?")) for n, o in enumerate(shown_answers)]
    )
    page.open(path)
    assert page.run(SELECTED) == "… 1?"
    assert page.run("document.querySelector('.detail .asked').textContent") == f"{lead} 1?"
    alike = [replace(one, record=replace(one.record, question="What is this thing called?")) for one in shown_answers]
    page.open(write(tmp_path, alike))
    assert page.run(SELECTED) == alike[1].record.id  # the first one is right
