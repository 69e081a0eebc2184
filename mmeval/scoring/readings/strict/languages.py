"""Words of the languages in which answers are read, by ISO 639-1 code: yes and no, and what declares an answer.

A word for yes or no is read if it is a whole clause. Words with a `+` may also start a statement ("Oui il y a").
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

YesNo = Literal["yes", "no"]
Language = Literal["ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "tr", "vi", "zh"]
DEFAULT: tuple[Language, ...] = ("en", "zh")

_WORDS: dict[Language, tuple[str, str]] = {
    "ar": ("نعم+|أجل+|بلى+|صحيح", "لا|كلا|خطأ|غير صحيح"),
    "de": ("ja+|jawohl+|richtig|korrekt|stimmt|wahr", "nein+|nee+|falsch|stimmt nicht|unwahr"),
    "en": ("yes|yeah|yep|yup", "no|nope|nah"),
    "es": ("sí+|si|verdadero|cierto|correcto", "no|falso|incorrecto"),
    "fr": ("oui+|ouais+|vrai|exact|correct", "non|faux|incorrect"),
    "hi": ("हाँ+|हां+|जी हाँ+|जी हां+|जी|सही|सत्य", "नहीं|जी नहीं|ना|गलत|असत्य"),
    "id": ("ya+|iya+|benar|betul", "tidak|bukan|salah"),
    "it": ("sì+|si|vero|certo|esatto|corretto", "no|falso|errato"),
    "ja": (
        "はい|ええ|そうです|はいそうです|正しい|正しいです",
        "いいえ|いえ|いや|違います|ちがいます|いいえ違います|間違い",
    ),
    "ko": ("네|예|응|그렇습니다|맞습니다|맞아요|맞다", "아니요|아니오|아뇨|아니|아닙니다|틀립니다|틀렸습니다"),
    "nl": ("ja+|jazeker|klopt|juist|waar", "nee|neen|onjuist|onwaar"),
    "pl": ("tak+|prawda", "nie|nieprawda|fałsz"),
    "pt": ("sim+|verdadeiro|certo|correto", "não|nao|falso|errado|incorreto"),
    "ru": ("да+|верно|правда|правильно", "нет+|неверно|неправда|неправильно|ложь"),
    "tr": ("evet+|doğru", "hayır+|hayir+|yanlış|değil"),
    "vi": ("vâng+|dạ|có|đúng|đúng vậy|phải", "không|không phải|không có|sai"),
    "zh": (
        "是|是的|对|对的|有|有的|正确|没错|存在|肯定的|是真的|属实",
        "否|不|不是|不是的|不对|没有|没|无|错|错误|不正确|不存在|否定的",
    ),
}


class Declaring(NamedTuple):
    """The words with which a language declares an answer, as alternatives of a pattern."""

    answer: str
    """Nouns for an answer or an option."""
    right: str
    """Adjectives that call it right."""
    between: str
    """Copulas, articles and the like that may stand among these."""
    is_a: str
    """A copula with its article, before a complement: "es un"."""
    veto: str
    """Words that deny, doubt or suppose an answer, or attribute it to others."""


DECLARING: dict[Language, Declaring] = {
    "ar": Declaring(
        "(?:ال)?[إا]جابة|[إا]جابتي|(?:ال)?جواب|(?:ال)?خيار|(?:ال)?اختيار|(?:ال)?حرف|(?:ال)?حل",
        "(?:ال)?صحيحة?|(?:ال)?أصح|(?:ال)?نهائية?",
        "هي|هو|إذن|لذا",
        "هذا|هذه|إنه|إنها|هو|هي",
        "ليس|ليست|لا|غير|ربما|قد|إذا|لو|يقول|تقول|قال|قالت|يعتقد|يظن|وفقا|حسب|خطأ|السابق|السابقة",
    ),
    "de": Declaring(
        "antwort|lösung|möglichkeit|antwortmöglichkeit|antwortoption|buchstabe|auswahl",
        "richtige?[nr]?|korrekte?[nr]?|beste|passende|zutreffend|endgültige",
        "die|der|das|ist|lautet|also|somit|daher|hier|meine|mit|dem",
        "(?:ist|sind|zeigt|sehe)(?: hier)?(?: (?:ein|eine|einen|der|die|das|den))?",
        r"nicht|kein\w*|vielleicht|könnte\w*|wenn|falls|ob|sagt|sagen|meint|glaubt|denkt|laut|behauptet|angeblich"
        r"|falsch\w*|vorherige\w*|letzte\w*|wäre",
    ),
    "es": Declaring(
        "respuesta|opci[oó]n|alternativa|letra|inciso|soluci[oó]n",
        "correct[ao]|mejor|adecuada|acertada|verdadera",
        "la|el|es|está|final|por|tanto|lo|mi",
        "(?:es|está|están|muestra|hay)(?: (?:un|una|el|la|los|las))?",
        r"no|nunca|quizás?|tal vez|puede|podría|si|dice|dicen|según|cree|piensa|incorrect\w*|fals\w*|anterior|sería",
    ),
    "fr": Declaring(
        r"r[ée]ponse|choix|lettre|option(?= (?:correcte|exacte|est)\b)",
        "correcte?|bonne|bon|juste|exacte?|finale|meilleure?|vraie?",
        "la|le|l'|est|c'est|donc|ma|une",
        "(?:est|sont|montre|c'est|il y a)(?: (?:un|une|le|la|les|des|du|celui de|celle de))?",
        r"n'\w+|ne|pas|peut-être|pourrait|peut|si|dit|disent|selon (?:mon|ma|mes|un|une)|d'après|croit|pense|faux"
        r"|fausse"
        r"|incorrect\w*|précédente|serait",
    ),
    "hi": Declaring(
        "उत्तर|जवाब|विकल्प", "सही", "है|का|यह|मेरा|अंतिम", "यह(?: एक)?", "नहीं|शायद|अगर|यदि|कहता|कहते|कहा|गलत|पिछले"
    ),
    "id": Declaring(
        "jawaban|jawabannya|jawabanku|pilihan|opsi|huruf",
        "benar|tepat|betul|terbaik",
        "yang|adalah|ialah|itu|paling|saya",
        "(?:adalah|ialah|ini)(?: (?:seekor|sebuah|seorang))?",
        "bukan|tidak|mungkin|jika|kalau|kata|menurut|salah|sebelumnya",
    ),
    "it": Declaring(
        "risposta|opzione|lettera|soluzione|alternativa|scelta",
        "corretta|giusta|esatta|migliore|finale",
        "la|l'|il|è|quindi|mia|una",
        "(?:è|sono|c'è|mostra)(?: (?:un|uno|una|il|lo|la|i|gli|le))?",
        r"non|forse|potrebbe|può|se|dice|dicono|secondo|crede|pensa|sbagliat\w*|errat\w*|precedente|sarebbe",
    ),
    "ja": Declaring(
        "答え|正解|解答|回答|選択肢",
        "正しい|最終的な|最も適切な|正解",
        "は|が|の|、",
        "これは|写真は|画像は|それは",
        "ない|かもしれ|たぶん|おそらく|もし|によると|によれば|と言|前の",
    ),
    "ko": Declaring(
        "정답|답변|답|해답|선택지|보기",
        "올바른|맞는|옳은|정확한|최종|정답|맞|옳|올바",
        "은|는|이|가|의|번",
        "이것은|그것은",
        "아니|아닙|않|아마|만약|따르면|말했|말하|틀|이전",
    ),
    "nl": Declaring(
        "antwoord|optie|keuze|oplossing",
        "juiste?|correcte?|goede?|beste",
        "het|de|is|dus|mijn",
        "(?:is|zijn|toont|zie) (?:een|de|het)",
        "niet|geen|misschien|kan|zou|als|zegt|zeggen|volgens|denkt|fout|vorige",
    ),
    "pl": Declaring(
        "odpowied(?:ź|z|zią)|opcj[aą]|liter[aą]|rozwiązanie",
        "prawidłow[aą]|poprawn[aą]|właściw[aą]|dobra|ostateczna",
        "to|jest|moja",
        "(?:^to )?jest|^to",
        r"nie|może|jeśli|jeżeli|gdyby|mówi|według|twierdzi|uważa|błędn\w*|poprzedni\w*|czy",
    ),
    "pt": Declaring(
        "resposta|alternativa|opç[ãa]o|letra|solução",
        "corret[ao]|cert[ao]|melhor|adequada",
        "a|o|é|está|final|portanto|minha",
        "(?:é|são|está|estão|mostra|há)(?: (?:um|uma|o|a|os|as))?",
        r"não|nao|nunca|talvez|pode|poderia|se|diz|dizem|disse|segundo|acha|acredita|errad\w*|incorret\w*|falsa"
        r"|anterior|seria",
    ),
    "ru": Declaring(
        "ответ|ответом|вариант|вариантом|буква|решение",
        r"правильн\w{2}|верн\w{2}|верен|верна|правилен|окончательный|лучший",
        "это|является|на|мой",
        "это|изображ[её]н[аоы]?|на (?:картинке|фото|изображении)",
        r"не|возможно|может|если|говор\w+|сказал\w*|считает|думает|утверждает|словам|мнению|неверн\w*|неправильн\w*"
        r"|предыдущ\w*|бы",
    ),
    "tr": Declaring(
        "cevap|cevabı|cevabım|yanıt|yanıtı|seçenek|seçeneği|şık|şıkkı",
        "doğru|doğrudur|en",
        "olan|sorunun|bu|dir|dır",
        "(?:bu|bir|bu bir)",
        "değil|belki|olabilir|eğer|diyor|dedi|göre|yanlış|önceki",
    ),
    "vi": Declaring(
        "đáp án|câu trả lời|trả lời|lựa chọn|phương án",
        "đúng|đúng nhất|chính xác|cuối cùng",
        "là|của|tôi|sẽ",
        "(?:đây )?là(?: (?:một|con|cái|chiếc))*",
        "không|có thể|có lẽ|nếu|nói|theo|sai|trước",
    ),
    "zh": Declaring(
        "答案|回答|选项",
        "正确|最佳|对",
        "是|为|应该|应|所以|因此|最终|的",
        "这是|图中是",
        "不|没|可能|也许|如果|是否|假如|错|上一|[他她友人师](?:们|都)?(?:说|认为|觉得)",
    ),
}
"""English declares answers with its own `forms`."""
UNSPACED: tuple[Language, ...] = ("ja", "ko", "zh")
"""Languages written without spaces, or with particles joined to words."""


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
