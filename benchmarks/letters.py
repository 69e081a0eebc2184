"""How often `strict` and BLINK's authors read different letters: python -m benchmarks.letters BLINK_Benchmark

The folder is a checkout of zeyofu/BLINK_Benchmark. Its `eval/saved_outputs` has answers to the validation questions,
each with the letter that GPT-3.5 extracted ("(Z)" if none). These files do not contain the options; those shared by
all questions of a task are listed here.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmeval.scoring.readings.strict.letter import strict
from mmeval.types import InputError

SECOND, POINTS = ("the second image", "the third image"), ("Point A", "Point B", "Point C", "Point D")
OPTIONS = {
    **dict.fromkeys(("Art_Style", "Visual_Similarity", "Jigsaw"), SECOND),
    **dict.fromkeys(("Functional_Correspondence", "Semantic_Correspondence", "Visual_Correspondence"), POINTS),
    "Multi-view_Reasoning": ("left", "right"),
    "Relative_Reflectance": ("A is darker", "B is darker", "About the same"),
    "Relative_Depth": ("A is closer", "B is closer"),
    "Object_Localization": ("Box A", "Box B"),
    "Forensic_Detection": ("the first image", "the second image", "the third image", "the fourth image"),
    "IQ_Test": ("picture A", "picture B", "picture C", "picture D"),
    "Spatial_Relation": ("yes", "no"),
    "Counting": ("", "", "", ""),
}


def answers(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the task, the text and the published letter of each answer to a validation question.

    Raises InputError if a file has another form.
    """
    for path in sorted(folder.glob("eval/saved_outputs/*/*.json")):
        try:
            splits = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            print(f"{path}: not JSON, left out", file=sys.stderr)
            continue
        try:
            rows = [
                (str(row["idx"]), str(row["full_prediction"]), str(row["prediction"]).strip()[1:2])
                for split in splits.values()
                for row in split
            ]
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: not answers of BLINK, which are lists of objects with idx, full_prediction and prediction, "
                "one list per split; give a checkout of zeyofu/BLINK_Benchmark, or remove this file"
            ) from error
        for name, text, letter in rows:
            task = re.fullmatch(r"val_(.+)_\d+", name)
            if task and task[1] in OPTIONS:
                yield task[1], text, letter


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how the letters compare."""
    parser = argparse.ArgumentParser("python -m benchmarks.letters", description=__doc__)
    parser.add_argument("folder", type=Path, help="the checkout")
    folder = parser.parse_args(arguments).folder
    counts: Counter[str] = Counter()
    try:
        published_answers = list(answers(folder))
    except InputError as error:
        parser.error(str(error))
    for task, text, published in published_answers:
        letter = strict(text, OPTIONS[task])
        letter = None if letter == "Z" else letter
        if published == "Z":
            counts["a letter where none is published" if letter else "none, as published"] += 1
        else:
            if not letter:
                outcome = "unread"
            elif letter == published:
                outcome = "the same"
            else:
                outcome = "another letter"
            counts[outcome] += 1
    lettered = counts["another letter"] + counts["the same"] + counts["unread"]
    if not lettered:
        parser.error(
            f"{folder}: no answers with letters in eval/saved_outputs; give a checkout of zeyofu/BLINK_Benchmark"
        )
    for name, number in counts.items():
        print(f"{name}: {number:,}")
    print(f"of {lettered:,} with a published letter: another {100 * counts['another letter'] / lettered:.3f}%", end="")
    print(f", the same {100 * counts['the same'] / lettered:.1f}%")


if __name__ == "__main__":
    main()
