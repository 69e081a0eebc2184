"""Lessons about clips: frames of a thing or a person, and what happens to it."""

from __future__ import annotations

from experiments.tiny import forms
from experiments.tiny.lesson import Claim, Lesson, Show, asked
from experiments.tiny.pool import FRAMES, Pool
from mmeval.embedded.world.clips import asked as about_clip
from mmeval.embedded.world.clips import options, times
from mmeval.embedded.world.rng import Rng


def moving(rng: Rng, pool: Pool, form: str) -> Lesson:
    """Show frames of a clip and ask what happens: with options (`nextqa`), or yes or no."""
    if form == "nextqa":
        clip, first_frame = rng.pick(pool.clips)
        lesson: Lesson = [Show(first_frame + frame) for frame in (0, 2, 4)]
        question = f"what happens to the {clip.subject}?"
        if rng.coin(0.2):
            return [*lesson, *asked([question], clip.action)]
        return [*lesson, *forms.lettered(question, options(rng, clip), clip.action)]
    wanted = "yes" if rng.coin() else "no"
    lesson, questions = _window(rng, pool)
    while all(answer != wanted for _, answer in questions):
        lesson, questions = _window(rng, pool)
    first = rng.pick([(question, answer) for question, answer in questions if answer == wanted])
    second = rng.other(questions, first)  # with either answer, or the first answer would reveal the second
    for question, answer in (first, second):
        lesson += asked([Claim(f" {question}"), forms.YES_OR_NO if rng.coin(0.3) else ""], answer)
    return lesson


def _window(rng: Rng, pool: Pool) -> tuple[Lesson, list[tuple[str, str]]]:
    """Show two to five frames of a clip, and return questions about them with their answers."""
    clip, first = rng.pick(pool.clips if rng.coin(0.3) else pool.still)
    moments = times(FRAMES)
    frames = list(range(rng.below(2), FRAMES - rng.below(2)))
    if rng.coin(0.4):
        frames = frames[::2] if len(frames) > 3 else frames
    lesson: Lesson = [Show(first + frame) for frame in frames]
    if rng.coin(0.25):  # the first pictures are from another scene, in which nothing happens
        other_clip, other_first = rng.pick(pool.still)
        cut = 1 + rng.below(len(frames) - 1)
        if other_clip.progress(moments[frames[cut - 1]]) - other_clip.progress(moments[frames[0]]) < 0.1:
            lesson[:cut] = [Show(other_first + frame) for frame in frames[:cut]]
            frames = frames[cut:]
    return lesson, about_clip(rng, clip, moments[frames[0]], moments[frames[-1]])
