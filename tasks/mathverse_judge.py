"""How MathVerse is graded officially: a judge extracts the answer, then compares it with the key (--judge).

`evaluation/extract_answer_s1.py` and `score_answer_s2.py` of ZrrSkywalker/MathVerse at 937b090, whose examples are verbatim
below. The second prompt has the question of `question_for_eval`, as in lmms-eval and VLMEvalKit: the column `question`,
which the script names, is empty where the question is in the picture.
"""
# ruff: noqa: E501

from collections.abc import Sequence

from mmeval.scoring.verdicts import Grader
from mmeval.types import Record, Score

EXTRACT = r"""
I am providing you a response from a model to a math problem, termed 'Model Response'. You should extract the answer from the response as 'Extracted Answer'. Directly output the extracted answer with no explanation.

1.
Model response: 'Rounded to two decimal places, the perimeter of the sector is approximately:

(-2, 1)'
Extracted Answer: (-2, 1)

2.
Model response: 'at those points.

Therefore, the correct option that represents the meaning of the intersection points of the graphs is:

D. They give the solutions to the equation $f(t)=g(t)$.",'
Extracted Answer: D

3.
Model response: ' at 1 (there's a closed circle at y = 1), the range in interval notation is \((-4, 1]\).

Final values:
Domain: \((-3, 3]\)
Range: \((-4, 1]\)'
Extracted Answer: Domain: \((-3, 3]\)
Range: \((-4, 1]\)

4.
Model response: 'As it stands, I cannot provide the correct option letter because there isn't enough information to solve for 'y'.'
Extracted Answer: null

5.
Model response: 'Given that AB = 17.6 meters, we can now substitute into the equation:

d = 17.6 / cos(38°)

Therefore, to one decimal place, the distance d between Ned and Bart is approximately 22.3 meters.'
Extracted answer: 22.3

6.
Model response:  have all the coefficients for the quadratic function:
\( f(x) = ax^2 + bx + c \)
\( f(x) = -1x^2 - 2x + 1 \)

Therefore, the equation for the graphed function \( f \) is:
\( f(x) = -x^2 - 2x + 1 \)"'
Extracted answer: f(x) = -x^2 - 2x + 1

7.
""".strip()
COMPARE = r"""
Below are two answers to a math question. Question is [Question], [Standard Answer] is the standard answer to the question, and [Model_answer] is the answer extracted from a model's output to this question.  Determine whether these two answers are consistent.
Please note that only when the [Model_answer] completely matches the [Standard Answer] means they are consistent. For non-multiple-choice questions, if the meaning is expressed in the same way, it is also considered consistent, for example, 0.5m and 50cm.
If they are consistent, Judement is 1; if they are different, Judement is 0.

[Question]: Write the set of numbers represented on the number line in interval notation.
[Standard Answer]: (-2,1]
[Model_answer] : Extracted Answer: \((-2, 1)\)
Judgement: 0

[Question]: As shown in the figure, circle O has a radius 1.0, if angle BAC = 60.0, then the length of BC is ()
Choices:
A:2
B:2√{3}
C:√{3}
D:2√{2}
[Standard Answer]: C
[Model_answer] : B:2√{3}
Judgement: 0

[Question]: Find the domain and range of the function f using interval notation.
[Standard Answer]: domain: [-4, 0) and range: (-3, 1]
[Model_answer] : Range: \((-4, 1]\)
Judgement: 0

[Question]: As shown in the figure, circle O has a radius 1.0, if angle BAC = 60.0, then the length of BC is ()
Choices:
A:2
B:2√{3}
C:√{3}
D:2√{2}
[Standard Answer]: C
[Model_answer] : null
Judgement: 0

[Question]: Given the graph of the ellipse that intersects with x-axis at 9 and -9 and with y-axis at 3 and -3, determine its equation.A. \frac{x^2}{81} + \frac{y^2}{9} = 1 B. Can not determine.

[Standard Answer]: A
[Model_answer] : \frac{x^2}{81} + \frac{y^2}{9} = 1
Judgement: 1
""".strip()


def prompt(record: Record, replies: Sequence[str]) -> str | None:
    """Return the prompt that extracts the answer, then the one that compares it."""
    if not replies:
        return f"{EXTRACT}\n\nModel response: '{record.text}'\nExtracted Answer: "
    if len(replies) > 1:
        return None
    extracted = replies[0].strip().replace("Extracted Answer: ", "").strip()
    question = f"[Question]: {record.tags['question_for_eval']}\n[Standard Answer]: {record.tags['key']}"
    return f"{COMPARE}\n\n{question}\n[Model_answer] : {extracted}\nJudgement:"


def usable(record: Record, replies: Sequence[str]) -> bool:
    """Return whether an extraction is not empty, or a comparison is 0 or 1."""
    return bool(replies[0].strip()) if len(replies) == 1 else _judgement(replies[1]) in ("0", "1")


def graded(record: Record, replies: Sequence[str]) -> Score:
    """Score by the comparison."""
    right = _judgement(replies[1]) == "1"
    return Score(float(right), "correct" if right else "incorrect", replies[0].strip())


def _judgement(reply: str) -> str:
    return reply.strip().replace("Judgement:", "").strip()


GRADER = Grader(prompt=prompt, usable=usable, max_tokens=256, score=graded)
