"""Yes and no in the languages that a card may name, by ISO 639-1 code.

A word is read if it is a whole clause. Words with a `+` may also start a statement ("Oui il y a").
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

YesNo = Literal["yes", "no"]
Language = Literal["ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "tr", "vi", "zh"]
DEFAULT: tuple[Language, ...] = ("en", "zh")

_WORDS: dict[Language, tuple[str, str]] = {
    "ar": ("نعم+|أجل+|بلى+|صحيح", "لا|كلا|خطأ|غير صحيح"),
    "de": ("ja+|jawohl+|richtig|korrekt|stimmt|wahr", "nein+|nee+|falsch|stimmt nicht|unwahr"),
    "en": ("yes|yeah|yep|yup", "no|nope|nah"),
    "es": ("sí+|si|verdadero|cierto|correcto", "no|falso|incorrecto"),
    "fr": ("oui+|ouais+|vrai|exact|correct", "non|faux|incorrect"),
    "hi": ("हाँ+|हां+|जी हाँ+|जी हां+|जी|सही|सत्य", "नहीं|जी नहीं|ना|गलत|असत्य"),
    "it": ("sì+|si|vero|certo|esatto|corretto", "no|falso|errato"),
    "ja": (
        "はい|ええ|そうです|はいそうです|正しい|正しいです",
        "いいえ|いえ|いや|違います|ちがいます|いいえ違います|間違い",
    ),
    "ko": ("네|예|응|그렇습니다|맞습니다|맞아요|맞다", "아니요|아니오|아뇨|아니|아닙니다|틀립니다|틀렸습니다"),
    "pt": ("sim+|verdadeiro|certo|correto", "não|nao|falso|errado|incorreto"),
    "ru": ("да+|верно|правда|правильно", "нет+|неверно|неправда|неправильно|ложь"),
    "tr": ("evet+|doğru", "hayır+|hayir+|yanlış|değil"),
    "vi": ("vâng+|dạ|có|đúng|đúng vậy|phải", "không|không phải|không có|sai"),
    "zh": (
        "是|是的|对|对的|有|有的|正确|没错|存在|肯定的|是真的|属实",
        "否|不|不是|不是的|不对|没有|没|无|错|错误|不正确|不存在|否定的",
    ),
}
_ANSWER_IS: dict[Language, str] = {
    "ar": "الجواب هو|الإجابة هي|الجواب|الإجابة",
    "de": "die antwort ist|die richtige antwort ist|die antwort lautet|antwort",
    "en": "",
    "es": "la respuesta es|la respuesta correcta es|respuesta",
    "fr": "la réponse est|la bonne réponse est|réponse",
    "hi": "उत्तर|जवाब|उत्तर है",
    "it": "la risposta è|la risposta corretta è|risposta",
    "ja": "答えは|正解は",
    "ko": "답은|정답은|답",
    "pt": "a resposta é|a resposta correta é|resposta",
    "ru": "ответ",
    "tr": "cevap|yanıt",
    "vi": "câu trả lời là|đáp án là",
    "zh": "答案是|答案为|答案|回答是|所以答案是|因此答案是|正确答案是",
}
"""The exact phrases that may come before the word in its clause."""


@lru_cache
def words(languages: Sequence[Language]) -> Mapping[str, YesNo]:
    """Return the words that say yes or no as a whole clause; those that may start a statement end in `+`."""
    values: tuple[YesNo, YesNo] = ("yes", "no")
    return {
        unicodedata.normalize("NFKC", word): value
        for language in languages
        for value, listed in zip(values, _WORDS[language], strict=True)
        for word in listed.split("|")
    }


def label(text: str, languages: Sequence[Language]) -> YesNo | None:
    """Return a table label as yes or no: yes, true, 1, no, false, 0, or a word of these languages."""
    word, known = unicodedata.normalize("NFKC", text).strip().lower(), words(languages)
    return _LABELS.get(word) or known.get(word) or known.get(f"{word}+")


_LABELS: dict[str, YesNo] = {"yes": "yes", "true": "yes", "1": "yes", "no": "no", "false": "no", "0": "no"}


@lru_cache
def leads(languages: Sequence[Language]) -> tuple[str, ...]:
    """Return the phrases that lead up to an answer, the longest first."""
    found = [unicodedata.normalize("NFKC", lead) for one in languages for lead in _ANSWER_IS[one].split("|") if lead]
    return tuple(sorted(found, key=len, reverse=True))
