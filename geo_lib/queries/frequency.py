"""How common words are in a language, as lists of what people write have it (wordfreq)."""

from functools import cache, lru_cache

_LISTS = "best"
"""The large lists where there are such: 30 to 70 MB for each language that is asked about, in every worker."""
_LISTED_AS = {"no": "nb"}
_WITHOUT_BLANKS = ("ja", "ko", "zh")
"""Languages whose lists need another package to tell where a word ends."""


@lru_cache(maxsize=100_000)
def zipf(word: str, language: str) -> float:
    """On Zipf's scale: 3 is one in a million words, 6 one in a thousand; 0 for what the list does not have."""
    from wordfreq import zipf_frequency

    return zipf_frequency(word, _LISTED_AS.get(language, language), wordlist=_LISTS)


@cache
def is_listed(language: str) -> bool:
    """Whether there is a list of the language (ISO 639-1) that can be asked about words as they are."""
    from wordfreq import available_languages

    return language not in _WITHOUT_BLANKS and _LISTED_AS.get(language, language) in available_languages(_LISTS)
