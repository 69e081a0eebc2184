"""Makes small folders in MME's release format, so that no test needs the benchmark's own data."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

SUBTASKS = [
    "existence",
    "count",
    "position",
    "color",
    "posters",
    "celebrity",
    "scene",
    "landmark",
    "artwork",
    "OCR",
    "commonsense_reasoning",
    "numerical_calculation",
    "text_translation",
    "code_reasoning",
]
WITH_FOLDERS = ("artwork", "celebrity", "landmark", "posters", "scene")


def make_release(folder: Path, pictures: int = 2) -> Path:
    """All 14 subtasks, five in the layout with two folders, each picture of another color."""
    for number, subtask in enumerate(SUBTASKS):
        nested = subtask in WITH_FOLDERS
        images = folder / subtask / "images" if nested else folder / subtask
        questions = folder / subtask / "questions_answers_YN" if nested else folder / subtask
        images.mkdir(parents=True, exist_ok=True)
        questions.mkdir(parents=True, exist_ok=True)
        for index in range(pictures):
            Image.new("RGB", (16, 16), (number * 15, index * 20, 90)).save(images / f"{index:04}.png")
            text = f"Is this {subtask} {index}? Please answer yes or no.\tYes\n"
            text += f"Is that {subtask} {index}? Please answer yes or no.\tNo\n"
            (questions / f"{index:04}.txt").write_text(text, encoding="utf-8")
    return folder
