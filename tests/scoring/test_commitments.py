"""Every form that commits to an option, with every word by which it does not."""

from __future__ import annotations

from itertools import product

import pytest

from mmeval.scoring.readings.strict.letter import strict

ANIMALS = ("cat", "dog", "rabbit", "bird")
NAMES = ("B", "(B)", "option B", "the dog")
DECLARED = (
    "the answer is {}",
    "the correct answer is {}",
    "the best option is {}",
    "the right choice would be {}",
    "the only option that fits is {}",
    "the missing piece is {}",
    "I choose {}",
    "I would go with {}",
    "I pick {}",
)
"""Forms that end in the option."""
CALLED = (
    "{} is correct",
    "{} is the answer",
    "{} is the correct answer",
    "{} is the best choice",
    "{} is the most likely option",
    "{} is the only option that fits",
    "only {} fits",
)
"""Forms whose words follow the option."""
FORMS = DECLARED + CALLED
SHORT = tuple(form for form in FORMS if not form.endswith("that fits"))
BEFORE = (
    "I deny that",
    "I doubt that",
    "I disagree that",
    "I do not think that",
    "I can't say that",
    "It is not true that",
    "It is false that",
    "It is unlikely that",
    "Nothing suggests that",
    "There is no evidence that",
    "Nobody would say that",
    "Maybe",
    "Perhaps",
    "Possibly",
    "At first I thought that",
    "Initially,",
    "If it barks,",
    "Suppose that",
    "Many would think",
    "Some people say that",
    "My friend believes that",
    "Experts say that",
    "The poster says that",
    "According to my teacher,",
)
AFTER = (
    ". That is wrong.",
    ". That's incorrect.",
    ". This is not correct.",
    ". It's not right.",
    ". No wait, it could be C.",
    ". No, wait.",
    ". Wait, that is wrong.",
    ". Maybe C.",
    ". Perhaps it is C.",
    ". Or C.",
    ". Hmm.",
    ". Just kidding.",
    ". Not!",
    ". Sorry, I can't tell.",
    ". C is also correct.",
    ". However, C is also correct.",
    ", but C is also correct.",
    ", but it may be C.",
    ", but I am not sure.",
    " if it barks.",
    " unless it meows.",
    ", says my friend.",
    " according to my friend.",
    "?",
    " - no, C.",
)
RIGHT_AFTER = (
    " (wrong).",
    " (or C).",
    " (maybe).",
    " or C.",
    ", or C.",
    "; or C.",
    ", maybe C.",
    ", perhaps.",
    ", possibly.",
    ", alternatively C.",
    " at first.",
    " for the first image and C for the second.",
    " in the UK but C in the US.",
    " with probability 0.3 and C with probability 0.7.",
)
REMOVE = ("eliminate", "exclude", "reject", "discard", "remove", "rule out", "avoid")
REMOVED = ("eliminated", "excluded", "rejected", "discarded", "removed", "ruled out", "avoided")


def wrongly_read(texts: list[str]) -> list[tuple[str, str]]:
    return [(text, letter) for text in texts if (letter := strict(text, ANIMALS))]


def test_every_form_commits_by_itself() -> None:
    texts = [f"{form.format(name)}." for form, name in product(FORMS, NAMES)]
    assert [text for text in texts if strict(text, ANIMALS) != "B"] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_form_commits_after_words_that_deny_doubt_or_attribute_it(name: str) -> None:
    texts = [f"{words} {form.format(name)}." for words, form in product(BEFORE, FORMS)]
    assert wrongly_read(texts) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_form_commits_before_words_that_take_it_back(name: str) -> None:
    texts = [f"{form.format(name)}{words}" for words, form in product(AFTER, FORMS)]
    texts += [f"{form.format(name)}{words}" for words, form in product(RIGHT_AFTER, SHORT)]
    assert wrongly_read(texts) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_option_to_be_removed_is_not_the_answer(name: str) -> None:
    nouns = ("option", "answer", "choice")
    texts = [f"The {noun} to {verb} is {name}." for noun, verb in product(nouns, REMOVE)]
    texts += [f"{name} is the {noun} to {verb}." for noun, verb in product(nouns, REMOVE)]
    texts += [f"{name} is the {noun} I would {verb}." for noun, verb in product(nouns, REMOVE)]
    texts += [f"The only {noun} that can be {verb} is {name}." for noun, verb in product(nouns, REMOVED)]
    texts += [f"{name} is the only {noun} that can be {verb}." for noun, verb in product(nouns, REMOVED)]
    texts += [f"I {choose} {name} to be {verb}." for choose, verb in product(("choose", "pick", "select"), REMOVED)]
    assert wrongly_read(texts) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_of_an_option_may_deny_that_it_is_the_answer(name: str) -> None:
    nouns = ("option", "answer", "choice", "one")
    unfit = ("that is wrong", "that is incorrect", "that does not fit", "that doesn't match", "that makes no sense")
    adverbs = ("hardly", "barely", "rarely", "seldom", "partially", "partly", "almost", "nearly", "never", "not")
    texts = [f"{name} is the {noun} {words}." for noun, words in product(nouns, unfit)]
    texts += [f"{name} is the only {noun} {words}." for noun, words in product(nouns, unfit)]
    texts += [f"The only {noun} {words} is {name}." for noun, words in product(nouns, unfit)]
    texts += [f"{name} is {adverb} {words}." for adverb, words in product(adverbs, ("correct", "the right answer"))]
    texts += [f"{name} is {article} {noun}." for article, noun in product(("an", "one", "one possible"), nouns[:3])]
    texts += [f"{name} is the {most} unlikely {noun}." for most, noun in product(("most", "least"), nouns)]
    texts += [f"I pick {name} as the {words}." for words in ("worst", "least likely", "wrong one", "incorrect answer")]
    texts += [
        f"The {noun} with the lowest {quality} is {name}." for noun, quality in product(nouns, ("score", "probability"))
    ]
    assert wrongly_read(texts) == []


@pytest.mark.parametrize(
    "text",
    [
        "A is the only wrong one.",
        "B is the best example of a wrong answer.",
        "C is the only animal not shown.",
        "B is the only one missing.",
        "The answer is B for the first image and C for the second.",
        "The answer is B with probability 0.3 and C with probability 0.7",
        "I answer B to the first part, C to the second.",
        "I chose B at first.",
        "A: 3/10\nB: 9/10\nC: 2/10\nD: 1/10",
        "A: 0.1\nB: 0.2\nC: 0.6\nD: 0.1",
        "A. No\nB. No\nC. No\nD. No",
        "A. Yes\nB. Yes\nC. No\nD. No",
        "A. No\nB. Yes",  # the options of another question?
        "A is left, C is right.",
        "This is a dog. In front of it there is a cat.",
        "I see a dog. It is a cat.",
        "Choose B if it barks.",
        "Select B, C and D.",
        "Answer: A; B",
        "The answer is (A) dog; (B) cat.",
        "I choose A; B; C.",
    ],
)
def test_what_does_not_commit_is_unread(text: str) -> None:
    assert strict(text, ANIMALS) is None


@pytest.mark.parametrize(
    "text",
    [
        "I count 5\nB",
        "Year 1995\nB",
        "Choose B.",
        "Select B.",
        "Pick B",
        "Ans. B",
        "Label: B",
        "The missing piece is B.",
        "C isn't correct; B is.",
        "A. No\nB. Yes\nC. No\nD. No",
        "- A. Incorrect\n- B. Correct\n- C. Incorrect",
        "A is left, C is right. Therefore, the answer is B.",
        "It isn't a cat; it's a dog.",
        "B is the correct answer because A is not shown.",
        "B is the best, since C is incorrect.",
        "B is right and C is wrong.",
        "The answer is B; A, C and D are wrong.",
        "B (30%)",  # of several options, the likeliest may have less than half
        "After eliminating A and C, the answer is B.",
        "By ruling out the other options, the answer is B.",
        "The answer is B. It is not wrong to say so.",
        "The answer is B in the image, and C is a rabbit.",
        "The answer is B for the following reasons: A is wrong, and C is not in the image.",
        "The answer is B, possibly because of the ears.",
        "The answer is C. Actually, that is wrong. The answer is B.",
    ],
)
def test_what_commits_is_read(text: str) -> None:
    assert strict(text, ANIMALS) == "B"


def test_yes_and_no_may_be_the_options() -> None:
    assert strict("A. Yes\nB. No\nC. No", ("Yes", "No", "Maybe")) is None
