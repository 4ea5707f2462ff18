"""The normal form of a query, its id and its words. Plain Python: NFKC has no column expression."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from geo_lib.locales import language_of

NORMALISATION_VERSION = 2
"""Raised with every change of ``normalise`` or ``query_id``: it says which texts and ids belong together."""

_QUOTES = str.maketrans({**dict.fromkeys("‘’‚‛′`´ʼ׳", "'"), **dict.fromkeys("‐‑‒–—―−־֊", "-"), "⁄": "/"})
_UNSAID = dict.fromkeys(map(ord, "™℠®ـ՛՜՞"))
"""What is not read out: marks of a trade, the stroke that only draws Arabic out, Armenian accents of a sentence."""
_KEPT_WITHIN = "'-./%+&·״་"
"""Punctuation that belongs to words (men's, t-shirt, 1.5, 24/7, 50%, a+b, r&b; col·lecció, צה״ל, བོད་ཡིག)."""
_LETTER = rf"[^\s{re.escape(_KEPT_WITHIN)}]"
"""Of a text without other punctuation; what re takes for letters ends words of Hindi at every vowel sign."""
_WITHIN = re.compile(
    rf"(?<={_LETTER})['\-./%+&]+(?={_LETTER})|(?<=\d)%|(?<={_LETTER})\+{{1,2}}|(?<=\s)&(?=\s)"
    rf"|(?<=l)·(?=l)|(?<=[א-ת])״(?=[א-ת])|(?<={_LETTER})་(?={_LETTER})"
)
_HEBREW_QUOTE = re.compile('(?<=[א-ת])["”](?=[א-ת])')
_AFTER_WHOLE = re.compile("(?<=\\d)(?=[¼-¾⅐-⅞])")
"""Between 1 and ½, which side by side would be eleven halves."""
_TO_COMPOSE = re.compile("[^ำຳໜໝ\u3131-\u318e]+")
"""All but letters that NFKC takes apart though their languages write them so: Thai and Lao am, Lao digraphs, Korean
consonants and vowels that stand alone."""
_AM = (
    (re.compile("\u0e4d([\u0e48-\u0e4b]*)\u0e32"), r"\1ำ"),
    (re.compile("\u0ecd([\u0ec8-\u0ecb]*)\u0eb2"), r"\1ຳ"),
)
"""Am in two signs, as it comes from systems that take it apart."""
_ZWNJ, _ZWJ = "\u200c", "\u200d"
_JOINERS = re.compile(f"[{_ZWNJ}{_ZWJ}]+")
_VIRAMA = 9
"""The combining class of signs that take a consonant's vowel away."""
_WORD = re.compile(r"[^\s'\-./%+&]+(?:'[^\s'\-./%+&]+)?")

WITHOUT_UMLAUTS, _UMLAUTS = str.maketrans("äöü", "aou"), str.maketrans("aou", "äöü")
_TWO_LETTERS = re.compile("([aou])e")
_DOTLESS = ("tr", "az", "crh", "gag")
"""Languages that tell ı from i: their capitals are I and İ."""
_JOINING: dict[str, frozenset[str]] = {
    "en": frozenset(("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")),
    "de": frozenset((
        "am", "an", "auf", "aus", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einem", "einen", "einer",
        "eines", "für", "fürs", "im", "in", "mit", "oder", "und", "vom", "von", "zu", "zum", "zur",
    )),
}  # fmt: skip
_ORIGINS: dict[str, frozenset[str]] = {"en": frozenset(("from",))}
"""Joining words that tell: a gift from grandma is none for her. German von is of more often than from."""
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Language to algorithm of the snowball project; words of other languages stay whole."""
_WHOLE: dict[str, dict[str, str]] = {
    "de": {
        **{word: word for word in ("bequem", "burger", "divers", "einzeln", "extrem", "modern")},
        "burgers": "burger",
        **dict.fromkeys(("reise", "reisen"), "reise"),
        **dict.fromkeys(("schale", "schalen"), "schale"),
    },
}
"""Words that the stemmer takes for forms of others: of "mod", of a castle, of rice, of a scarf."""
_FEMALE = re.compile("(?<=er)in(nen)?$")
_OWN_UMLAUT = re.compile(
    "bär(?!t)|bäck|blüt|bürg|fläch|höhl|küch|löw|märch|möhr|näh(?!t)|säg|schäf(?!t)|schön|schül|spül|stück|wüst"
)
"""Parts of German words that an umlaut tells from others; the stemmer drops every umlaut, as plurals want it."""


def normalise(text: str, *, locale: str = "") -> str:
    """Lower case, one form per character, single spaces, no punctuation but what belongs to words.

    The empty string when nothing is left. Idempotent. Lower case as the locale has it, not case folding: the text is
    shown to people, and folding would write ``weiß`` as ``weiss``. NFKC, except where it would write a language in
    letters that it does not use; joiners stay where they shape letters.
    """
    for _ in range(4):  # a few characters lower or compose into others; one more round finds nothing to change
        before, text = text, _once(text, is_dotless=language_of(locale) in _DOTLESS)
        if text == before:
            break
    return text


def _once(text: str, *, is_dotless: bool) -> str:
    text = _compatible(text)
    if is_dotless:
        text = text.replace("I", "ı").replace("İ", "i")
    # i̇: what lower() makes of the Turkish İ where nobody says that it is Turkish
    text = _compatible(_compatible(text).lower().replace("i̇", "i"))
    text = _joined("".join(map(_plain, text)))
    kept = {place for match in _WITHIN.finditer(f" {text} ") for place in range(match.start() - 1, match.end() - 1)}
    return " ".join(
        "".join(c if c not in _KEPT_WITHIN or place in kept else " " for place, c in enumerate(text)).split()
    )


def _compatible(text: str) -> str:
    """One form per character; what NFKC would make of accents that stand alone is a space and the accent."""
    text = _AFTER_WHOLE.sub(" ", _HEBREW_QUOTE.sub("״", text).translate(_UNSAID).translate(_QUOTES))
    text = "".join(" " if unicodedata.category(character) == "Sk" else character for character in text)
    text = _TO_COMPOSE.sub(lambda signs: unicodedata.normalize("NFKC", signs[0]), text).translate(_QUOTES)
    for in_two, in_one in _AM:
        text = in_two.sub(in_one, text)
    return text


def _plain(character: str) -> str:
    """Letters, marks, numbers, joiners and word punctuation as they are; variants and signs without width gone; the
    rest a space."""
    if character in (_ZWNJ, _ZWJ):
        return character
    kind = unicodedata.category(character)
    is_variant = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    if kind in ("Cf", "Me") or is_variant:  # such as the emoji style of a heart
        return ""
    return character if kind[0] in "LMN" or character in _KEPT_WITHIN else " "


def _joined(text: str) -> str:
    """The text with one joiner where it shapes letters, as in Persian or Sinhala, and with none elsewhere."""

    def needed(joiners: re.Match[str]) -> str:
        before, after = text[max(joiners.start() - 1, 0) : joiners.start()], text[joiners.end() : joiners.end() + 1]
        beside_virama = any(unicodedata.combining(sign) == _VIRAMA for sign in before + after)
        shapes = joiners[0][0] == _ZWJ or after.strip() != ""
        within_arabic = joiners[0][0] == _ZWNJ and before.strip() != "" and _is_arabic(after)
        return joiners[0][0] if (beside_virama and shapes) or within_arabic else ""

    return _JOINERS.sub(needed, text)


def _is_arabic(letter: str) -> bool:
    return letter.isalpha() and unicodedata.name(letter, "").startswith("ARABIC")


def words(text: str) -> tuple[str, ...]:
    """The words of a normalised query, in order."""
    return tuple(_WORD.findall(text))


def same_words_key(text: str, *, locale: str) -> str:
    """Equal for queries that say the same in other words' order or form: ``red vase``, ``vases in red``.

    Words that only join others are left out, endings that only bend a word are cut off, both as the language of the
    locale has them; the rest is taken as a set, and of what something comes from it says so (gift from dad).
    """
    language = language_of(locale)
    text = _JOINERS.sub("", _dotted(locale, text))
    said = {_stem(word, language) for word in words(text) if not only_joins(word, language)}
    said |= {f"from_{_stem(word, language)}" for word in _origins(text, language)}
    return " ".join(sorted(said or set(words(text)) or {text}))


def joining_words(language: str) -> frozenset[str]:
    """Words of a language (ISO 639-1) that only join others, as ``with``; empty for one that nobody has listed."""
    return _JOINING.get(language, frozenset())


def telling_words(text: str, language: str) -> list[str]:
    """The words of a normalised text without those that only join others; with those that say where a thing is from."""
    return [word for word in words(text) if word in origin_words(language) or not only_joins(word, language)]


def _origins(text: str, language: str) -> Iterator[str]:
    """The words that something is said to come from."""
    is_from = was_from = False
    for word in words(text):
        if word in origin_words(language):
            is_from = True
        elif word not in joining_words(language):
            if is_from:
                yield word
            is_from, was_from = False, is_from
        elif word in ("and", "or"):
            is_from = was_from


def only_joins(word: str, language: str) -> bool:
    """Whether a word only joins others; in German fuer is für."""
    return (with_umlauts(word) if language == "de" else word) in joining_words(language)


def origin_words(language: str) -> frozenset[str]:
    """Those of them that say where something comes from."""
    return _ORIGINS.get(language, frozenset())


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    if language not in _STEMMERS:
        return word
    if word in (whole := _WHOLE.get(language, {})):
        return whole[word]
    if language == "tr" and not set(word).isdisjoint("aou") and set(word).isdisjoint("eöü"):
        word = word.replace("i", "ı")  # by vowel harmony: the endings that are sought have it
    stem = _dotted(language, str(_stemmer(language).stemWord(word)))
    if language == "de":
        if _FEMALE.search(word):  # a gift for a Lehrerin is none for a Lehrer
            return _stem(_FEMALE.sub("", word), language) + "in"
        for own in _OWN_UMLAUT.findall(with_umlauts(word)):
            stem = stem.replace(own.translate(WITHOUT_UMLAUTS), own, 1)
    return stem


def with_umlauts(word: str) -> str:
    """A word in which umlauts may be typed as two letters; what else has two such letters is none then: neü."""
    return _TWO_LETTERS.sub(lambda vowel: vowel[1].translate(_UMLAUTS), word)


def own_umlauts(word: str) -> set[int]:
    """The places of a German word whose umlaut is no mark of a plural, as in küchen, which is not kuchen."""
    return {place for own in _OWN_UMLAUT.finditer(word) for place in range(*own.span())}


@cache
def _stemmer(language: str) -> Any:
    from snowballstemmer import stemmer  # loads thirty languages

    return stemmer(_STEMMERS[language])


def query_id(locale: str, text: str) -> str:
    """Identity of a normalised query in a locale: 32 hex digits, never reassigned.

    In locales that tell ı from i, one of both: keyboards of other languages have no ı, and IŞIK may be lowered by
    whoever does not know its language.
    """
    return hashlib.sha256(f"{locale}\n{_dotted(locale, text)}".encode()).hexdigest()[:32]


def _dotted(locale: str, text: str) -> str:
    return text.replace("ı", "i") if language_of(locale) in _DOTLESS else text


def query_id_column(locale: Column, text: Column) -> Column:
    """``query_id`` as a column expression."""
    is_dotless = locale.rlike(f"(?i)^({'|'.join(_DOTLESS)})([-_]|$)")
    dotted = F.when(is_dotless, F.translate(text, "ı", "i")).otherwise(text)
    return F.substring(F.sha2(F.concat(locale, F.lit("\n"), dotted).cast("binary"), 256), 1, 32)
