"""How languages other than English declare an answer: "la respuesta correcta es B", "B ist richtig", "正解はB".

The words of `languages` are composed here, so that any order of them is known. English has its own `forms`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mmeval.scoring.readings.strict.languages import DECLARING, UNSPACED, Language, words
from mmeval.scoring.readings.strict.places import Places
from mmeval.scoring.readings.strict.references import ANY, NO_REFERENCE, SURE

_MARKS = r"[\s:：=,،'’\"(\[»>】—–-]*"
_ENDS = r"[\"')\]]*\s*(?:$|[.!\n。।]|です(?!か)|だ(?!と)|である|입니다|이다|이에요|예요|है(?! नहीं)|'?[dt][iıuü]r\b)"
_GOES_ON = (
    r"[\"')\]]*\s*(?:[,;:?)，、،؛]|[-–—]\s|(?:weil|denn|da|porque|pues|ya que|car|parce que|puisque|perché|poiché|pois"
    r"|потому|так как|поскольку|karena|çünkü|vì|omdat|want|ponieważ|bo|لأن|क्योंकि)(?!\w))"
)


def _any(field: str, languages: Sequence[Language] = tuple(DECLARING)) -> str:
    """Return a pattern for any word of a kind."""
    spaced = "|".join(getattr(DECLARING[language], field) for language in languages if language not in UNSPACED)
    joined = "|".join(getattr(DECLARING[language], field) for language in languages if language in UNSPACED)
    return "|".join((rf"(?<!\w)(?:{spaced})(?!\w)" if spaced else "", joined)).strip("|")


@lru_cache
def led(languages: Sequence[Language]) -> re.Pattern[str]:
    """Return the pattern of a clause that leads up to yes or no: "la respuesta correcta es sí"."""
    declaring = [language for language in languages if language in DECLARING]
    if not declaring:
        return re.compile(r"(?!)(?P<said>)")
    lead = "|".join(_any(field, declaring) for field in ("between", "right", "answer"))
    values = "|".join(sorted((re.escape(word.rstrip("+")) for word in words(languages)), key=len, reverse=True))
    return re.compile(
        rf"(?:(?:{lead})\s*){{0,4}}?(?:{_any('answer', declaring)})"
        rf"(?:\s*(?:{lead})){{0,6}}?\s*(?P<said>(?:{values})(?!\w).*)"
    )


_ANSWER, _RIGHT, _BETWEEN = map(_any, ("answer", "right", "between"))
_WORD = f"{_BETWEEN}|{_RIGHT}|{_ANSWER}"
_VETO = re.compile(_any("veto"), re.IGNORECASE)
_DECLARED = re.compile(
    rf"(?:{_ANSWER})(?P<said>(?:{_MARKS}(?:{_WORD})){{1,6}}|\s*[:：=—–-])?{_MARKS}(?P<option>{ANY})"
    rf"(?(said)(?={_ENDS}|{_GOES_ON})|(?={_ENDS}))",
    re.IGNORECASE,
)
"""La respuesta es B; Antwort: B; 正解はBです. "La opción B" is declared if nothing follows."""
_CALLED = re.compile(
    rf"(?P<option>{ANY})[)\]\"']*\s*(?:(?:{_WORD})\s*){{0,4}}(?:{_RIGHT}|{_ANSWER})(?={_ENDS}|{_GOES_ON})",
    re.IGNORECASE,
)
"""B ist richtig; B es la respuesta correcta; Bが正解です."""
_NEAR = 200
"""Characters before a declaration where a veto is sought."""
STATEMENT = re.compile(
    rf"{NO_REFERENCE}*?(?:{_any('is_a')})\s*(?:l')?(?P<option>{SURE})(?P<noun>)(?P<clause>)(?:です|だ)?[.!。\s]*",
    re.IGNORECASE,
)
"""Es un gato; das ist eine Katze."""


def declared(sentence: str) -> Iterator[re.Match[str]]:
    """Yield the declarations in a sentence that no word of these languages denies, doubts or gives to others."""
    matches = [match for form in (_DECLARED, _CALLED) for match in form.finditer(sentence)]
    vetoes = Places(_VETO, sentence if matches else "")
    yield from (match for match in matches if not vetoes.between(max(0, match.start() - _NEAR), match.end()))


def denied(text: str) -> bool:
    """Return whether a text has a word that denies, doubts or gives to others what follows."""
    return _VETO.search(text) is not None
