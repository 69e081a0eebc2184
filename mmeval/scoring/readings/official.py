"""Read answers as benchmarks' own scripts do, by the name that a card gives under `official`.

Quirks are kept, so scores match the script's. Each function names its script and commit.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mmeval.scoring.readings import choices, short, yesno
from mmeval.scoring.readings.answer import NUMBERS
from mmeval.scoring.readings.choices import LETTERS, NONE_OF_THEM, Reader
from mmeval.scoring.readings.scripts import letters, lmms_eval, spatial
from mmeval.scoring.readings.strict.languages import YesNo
from mmeval.types import Record, Score

JUDGE = "judge"
"""The card's value if the official reading is a judge's."""
AS_WRITTEN = "key as written"
"""The tag with the unstripped key, for data with spaces around it and a script that compares it unstripped."""


def alone(text: str, options: Sequence[str]) -> str | None:
    """Read an answer that is only a letter, as scripts for classifiers and rankings compare it."""
    return text if text in [*LETTERS[: len(options)]] else None


def seed_bench(record: Record) -> Score:
    """Score as SEED-Bench's `eval.py` (991e849) and LLaVA's converter (c121f04): compare prediction and key unchanged.

    A key with a space ("A ", in SEED-Bench-2) therefore matches no plain letter.
    """
    score, key = _ALONE(record), record.tags.get(AS_WRITTEN)
    if key is None or record.text is None:
        return score
    is_right = record.text == key
    return replace(score, value=float(is_right), outcome="correct" if is_right else "incorrect")


def mmstar(text: str, options: Sequence[str]) -> str | None:
    """Read as MMStar's `evaluate/mmstar.py` (88f243a): the first character, or the one after "(", "option ", ...

    Case and the rest of the answer are ignored: "A cat" is A and "Dogs" is D.
    """
    text = text.lower().strip().replace("\n", " ")
    start = next((len(lead) for lead in ("(", "option ", "the answer is ") if text.startswith(lead)), 0)
    return alone(text[start : start + 1].upper(), options)


def naturalbench(text: str, options: Sequence[str]) -> str | None:
    """Read as NaturalBench's `extract_answer` (9967605): the first word that is A or B, even an article."""
    match = re.search(r"\b[AB]\b", text, re.IGNORECASE)
    return match[0].upper() if match else None


def naturalbench_yes_no(text: str) -> YesNo | None:
    """Read as the same function: the first word that is yes or no, in any case."""
    match = re.search(r"\b(?:(yes)|no)\b", text, re.IGNORECASE)
    return None if match is None else "yes" if match[1] else "no"


def mantis_eval(text: str, options: Sequence[str]) -> str | None:
    """Read as Mantis's `get_prediction` (f3a3192): the first letter after `mantis_answer`; "The" is T.

    If no option has that letter, read an option that is the whole answer.
    """
    answer = mantis_answer(text)
    declared = re.match("Answer: ([A-Z])", answer)
    first = declared[1] if declared else next((sign.upper() for sign in answer if sign.isalpha()), "")
    exact = (letter for letter, option in choices.texts(options) if option and option.strip() == text.strip())
    return alone(first, options) or next(exact, None)


def mantis_answer(text: str) -> str:
    """Return the text after the first "final answer:", or else "the answer is", or else "answer:"."""
    lead = next((lead for lead in ("final answer:", "the answer is", "answer:") if lead in text.lower()), None)
    return text if lead is None else text[text.lower().index(lead) + len(lead) :].strip()


def mmiu(text: str, options: Sequence[str]) -> str | None:
    """Read as MMIU's `evaluate.py` (36c48ec): a letter from A to N with only . , ( ) around it.

    An empty answer is none of the options. The script asks GPT about all other answers; here --judge can ask a judge.
    """
    if text.strip() in ("", "image none", "model error or image error", "image error", "model error"):
        return NONE_OF_THEM
    answer = re.sub(r"^[.,()]+|[.,()]+$", "", text.strip().replace("\u00a0", "").strip()).strip().upper()
    return answer if answer in [*LETTERS[:14]] else None


def video_mme(text: str, options: Sequence[str]) -> str | None:
    """Read as `eval_your_results.py` of thanku-all/parse_answer (afd52cf): the first of A, B, C and D anywhere.

    Some leads are removed first.
    """
    for lead in (*LEADS, "Answer:", "Option:", "The correct answer", "The correct option"):
        text = text.replace(lead, "")
    match = re.search("[ABCD]", text)
    return match[0] if match else None


LEADS = (
    "The best answer is", "The correct answer is", "The answer is", "The answer",
    "The best option isThe correct option is", "Best answer:Best option:",
)  # fmt: skip
"""What the scripts of Video-MME and MME-RealWorld remove first. Missing commas there join pairs of leads."""


def mirb_letter(text: str, options: Sequence[str]) -> str | None:
    """Read a text as MIRB's `exact_match` (625d904). For open models MIRB takes the letter from likelihoods instead."""
    return alone(cut(text).upper(), options)


def mirb(record: Record) -> Score:
    """Score as MIRB's `evals/eval.py` (625d904): the whole answer after `cut`, in any case.

    Three subsets compare the first number. Two read no unless the answer has yes. In sightseeing, the answer only has
    to contain the key.
    """
    if record.text is None:
        return Score(None, "error")
    answer, key, subset = cut(record.text).lower(), record.targets[0].lower(), record.category
    if subset in ("count", "visual_chain", "3d_scene"):
        number = re.search(r"\d+", answer)
        answer = number[0] if number else _NUMBERS.get(answer, "")
    elif subset in ("analogy", "attribute") or (subset == "sightseeing" and key in ("yes", "no")):
        answer = "yes" if "yes" in answer else "no"
    elif subset == "sightseeing" and key in answer:
        answer = key
    return _compared(answer, answer == key)


_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_NUMBERS = NUMBERS | {word: str(number) for number, word in enumerate(_ORDINALS.split(), start=1)}


def cut(text: str) -> str:
    """Cut at the first line break, or else at the first period, unless it is the first character."""
    text = text.strip()
    end = text.find("\n")
    end = end if end > 0 else text.find(".")
    return text[:end] if end > 0 else text


def vsr(text: str) -> YesNo | None:
    """Read the class that VSR's `src/eval.py` (b27a0af) compares, given as one word: true or yes, false or no."""
    words: Mapping[str, YesNo] = {"true": "yes", "yes": "yes", "false": "no", "no": "no"}
    return words.get(text.strip().rstrip(".").lower())


def squad(text: str) -> str:
    """Normalize as WebSRC's `normalize_answer` (50695bc): without case, punctuation, articles and double spaces."""
    text = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def ocrbench(record: Record) -> Score:
    """Score as `OCRBench/example.py` of MultimodalOCR (794c36d), with its own rule for formulas."""
    formula = record.category == "Handwritten Mathematical Expression Recognition"
    return short.scorer(str, short.contains_formula if formula else short.contains)(record)


def equal(read: Callable[[str], str], reference: Callable[[str], str] = str) -> Callable[[Record], Score]:
    """Return the scorer that compares `read(answer)` with `reference(target)` for each target."""

    def score(record: Record) -> Score:
        if record.text is None:
            return Score(None, "error")
        answer = read(record.text)
        return _compared(answer, answer in map(reference, record.targets))

    return score


def _compared(answer: str, right: bool) -> Score:
    return Score(float(right), "correct" if right else "incorrect", answer)


def _answered(read: Reader) -> Callable[[Record], Score]:
    """Return the scorer of a script that leaves unparsed answers out of its mean."""
    score = letters.as_is(read)
    return lambda record: replace(s, value=None) if (s := score(record)).outcome == "unparsed" else s


_ALONE = letters.as_is(alone)
MULTIPLE, PICTURES, YES_NO, SHORT = "multiple choice", "picture choice", "yes/no", "short answer"
OFFICIAL: Mapping[str, Mapping[str, Callable[[Record], Score]]] = {
    "ai2d": {MULTIPLE: letters.as_is(lmms_eval.ai2d)},
    # relaxed_correctness of pix2struct/metrics.py (5b086ef), of the whole answer
    "chartqa": {SHORT: short.scorer(str.strip, short.relaxed)},
    # moondream/eval/countbenchqa.py of vikhyat/moondream (145d8ab)
    "countbenchqa": {SHORT: equal(lambda text: text.strip().lower(), lambda key: key.strip().lower())},
    # the evaluation script of rrc.cvc.uab.es (17), of the whole answer
    "docvqa": {SHORT: short.scorer(str, short.anls)},
    "egoschema": {MULTIPLE: letters.drawn(lmms_eval.egoschema)},
    "embspatial-bench": {MULTIPLE: letters.as_is(spatial.embspatial_bench)},
    # LLaVA's converter (c121f04) prepares the answers that GQA's eval.py compares exactly
    "gqa": {SHORT: equal(lambda text: text.rstrip(".").lower())},
    # run_*/eval.py and tools/sub_acc.py (4b053f3): an option's number, or the word itself
    "iconqa": {MULTIPLE: _ALONE, PICTURES: _ALONE, SHORT: equal(str)},
    "longvideobench": {MULTIPLE: letters.drawn(lmms_eval.first_after_leads)},
    "mantis-eval": {
        MULTIPLE: letters.as_is(mantis_eval),
        SHORT: equal(lambda text: mantis_answer(text).lower(), lambda key: key.strip("()\n ").lower()),
    },
    "mirb": {MULTIPLE: letters.as_is(mirb_letter), SHORT: mirb},
    "mmiu": {MULTIPLE: letters.as_is(mmiu)},
    "mmstar": {MULTIPLE: letters.as_is(mmstar)},
    "naturalbench": {MULTIPLE: letters.as_is(naturalbench), YES_NO: yesno.scorer(naturalbench_yes_no)},
    "ocrbench": {SHORT: ocrbench},
    "q-bench2": {MULTIPLE: letters.drawn(letters.lmms_eval)},
    # lmms-eval's realworldqa/utils.py (75571cf)
    "realworldqa": {
        MULTIPLE: letters.as_is(lmms_eval.any_letter),
        SHORT: equal(lambda text: text.lower().strip().rstrip("."), lambda key: key.strip().lower()),
    },
    "seed-bench": {MULTIPLE: seed_bench},
    "video-mme": {MULTIPLE: _answered(video_mme)},
    "visulogic": {MULTIPLE: letters.as_is(spatial.visulogic)},
    "vsi-bench": {MULTIPLE: letters.as_is(spatial.vsi_bench), SHORT: spatial.vsi_bench_number},
    "vsr": {YES_NO: yesno.scorer(vsr)},
    "vstar": {MULTIPLE: letters.as_is(letters.cambrian_first)},
    "websrc": {SHORT: equal(squad, squad)},
}
"""Name -> kind of question -> the official scorer."""
