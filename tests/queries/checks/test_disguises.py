"""Letters that hide: a banned word stops whatever it is disguised by, and no ordinary word comes to look like one."""

import re
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_lib.queries.checks.disguises import chunks, squeezed, words_of
from geo_lib.queries.checks.safety import unsafe

BANNED = {
    "en": ("asshole", "bitch", "bullshit", "cocaine", "cunt", "faggot", "fuck", "nigger", "porn", "shit", "thinspo",
           "whore"),
    "de": ("arschloch", "fotze", "hakenkreuz", "hurensohn", "kokain", "nutte", "scheisse", "schlampe", "wichser"),
    "fr": ("connard", "merde", "salope"),
    "es": ("gilipollas", "mierda", "pendejo"),
    "it": ("cazzo", "puttana", "stronzo"),
}  # fmt: skip
HARMLESS = {
    "en": (
        "apple", "assembly", "basement", "beach", "bookcase", "butterfly", "cabinet", "christmas", "classic",
        "cocktail", "cottage", "dickens", "document", "drapes", "farmhouse", "garden", "grapefruit", "kitchen", "lamp",
        "organizer", "passion", "peacock", "quilt", "rapunzel",
        "scrapbook", "sextant", "shirt", "therapist", "unicorn", "wedding",
    ),
    "de": (
        "analog", "barsch", "blumen", "flicken", "garten", "hocker", "huhn", "küche", "marsch", "muschel", "mütze",
        "schachtel", "schale", "schirm", "uhr", "vorhang", "wachs", "wichtel", "wohnzimmer", "zimmer",
    ),
}  # fmt: skip

FOREIGN = str.maketrans("aceoprstxyikmh", "асеорг\u0455тхуікмһ")
DIGITS = str.maketrans("aeiost", "431057")
WIDE = {ord("a") + n: chr(0xFF41 + n) for n in range(26)}
BOLD = {ord("a") + n: chr(0x1D41A + n) for n in range(26)}
CIRCLES = {ord("a") + n: chr(0x1F150 + n) for n in range(26)}

TRICKS: Mapping[str, Callable[[str, int], str]] = {
    "shouted": lambda word, _: word.upper(),
    "dotted": lambda word, _: ".".join(word),
    "spaced": lambda word, _: " ".join(word),
    "joined by strokes": lambda word, _: "-".join(word),
    "repeated": lambda word, at: word[:at] + word[at] * 4 + word[at + 1 :],
    "a digit": lambda word, at: word[:at] + word[at].translate(DIGITS) + word[at + 1 :],
    "one letter of another alphabet": lambda word, at: word[:at] + word[at].translate(FOREIGN) + word[at + 1 :],
    "letters of another alphabet": lambda word, _: word.translate(FOREIGN),
    "wide": lambda word, _: word.translate(WIDE),
    "bold": lambda word, _: word.translate(BOLD),
    "in circles": lambda word, _: word.translate(CIRCLES),
    "with accents": lambda word, _: re.sub("([aeiou])", "\\1\u0308", word),
    "struck out": lambda word, _: "\u0336".join(word),
    "with something between that nobody sees": lambda word, _: "\u200b".join(word),
    "in quotes": lambda word, _: f"»{word}!«",
    "a hashtag": lambda word, _: f"#{word}",
    "a plural": lambda word, _: f"{word}s",
}
MASKS: Mapping[str, Callable[[str, int], str]] = {
    "one star": lambda word, at: word[:at] + "*" + word[at + 1 :],
    "stars": lambda word, at: word[: max(at - 1, 1)] + "*" * (len(word) - max(at - 1, 1)),
    "stars but at the ends": lambda word, _: word[0] + "*" * (len(word) - 2) + word[-1],
}


@st.composite
def placed(draw: st.DrawFn, words: Mapping[str, tuple[str, ...]]) -> tuple[str, str, int]:
    """A locale, one of its words, and a place in the word after its first letter."""
    locale = draw(st.sampled_from(sorted(words)))
    word = draw(st.sampled_from(words[locale]))
    return locale, word, draw(st.integers(1, len(word) - 1))


@settings(max_examples=300, deadline=None)
@given(placed(BANNED), st.sampled_from(sorted({**TRICKS, **MASKS})), st.sampled_from(["", "red ", "my "]))
def test_a_banned_word_stops_in_any_disguise(case: tuple[str, str, int], trick: str, before: str) -> None:
    locale, word, at = case
    hidden = {**TRICKS, **MASKS}[trick](word, at)
    assert unsafe(f"{before}{hidden} mug", locale=locale) is not None, hidden


@settings(max_examples=300, deadline=None)
@given(placed(HARMLESS), st.sampled_from(sorted(TRICKS)), st.sampled_from(["", "red ", "my "]))
def test_an_ordinary_word_looks_like_no_banned_one_however_it_is_written(
    case: tuple[str, str, int], trick: str, before: str
) -> None:
    locale, word, at = case
    assert unsafe(f"{before}{TRICKS[trick](word, at)} mug", locale=locale) is None


@pytest.mark.parametrize(
    "text",
    [
        "f*ck", "f**k", "f***", "f***ing", "f-ck", "f_ck", "f.ck", "sh!t", "b!tch", "d*ck pic", "p*ssy", "$hit",
        "fuck!",
        "fu ck", "f uck", "por n", "fuck_this", "fuck/that", "what-the-fuck", "fцck", "fуck", "ꜰᴜᴄᴋ",
        "🅵🆄🅲🅺", "ｆｕｃｋ",
        "n1gg3r", "b00bs", "pr0n", "s3x", "5hit", "boobz", "fück", "shiiit", "a$$", "a s s h o l e", "f u c k  y o u",
        "s h i t  h o l e", "motherfuckers", "bull-shit", "@sshole", "naked-girls", "NakedGirls", "kill-yourself",
    ],
)  # fmt: skip
def test_what_people_write_to_slip_a_word_through_is_seen(text: str) -> None:
    assert unsafe(text, locale="en") is not None


@pytest.mark.parametrize(
    "text",
    [
        "m*a*s*h", "h*rt", "r&b", "t-shirt", "x-ray", "k-pop", "co-op", "e-bike", "a55", "mp3", "4x4", "h2o", "s10e",
        "24/7", "3d tips", "3-d inspo",
        "90s hits", "men's hit list", "xxl", "viii", "www", "zzz", "shh", "brr", "yesss", "sooo cute", "cooool",
        "n*sync", "ak-akim", "1st", "b-day", "u.s.a.", "d.i.y.", "j.r.r. tolkien", "f.r.i.e.n.d.s", "s m l xl",
        "a b c d e f g", "tシャツ", "1曲", "рони", "c****land", "fuß",
        "naïve café", "åse", "vacuum", "skiing", "hawaii", "bazaar",
    ],
)  # fmt: skip
def test_signs_and_repetitions_that_belong_to_a_word_hide_nothing(text: str) -> None:
    assert unsafe(text, locale="en") is None


def test_a_word_has_the_readings_that_its_signs_allow() -> None:
    (word,) = words_of("s1ut")
    assert set(word.readings) == {"s1ut", "siut", "slut"}
    assert [one.text for one in words_of("blow-job")] == ["blow", "job"]
    assert words_of("blow-job")[0].readings == ("blow", "blowjob")
    assert words_of("...") == ()
    assert words_of("men's")[0].text == "men"


def test_what_is_spelled_out_is_one_chunk() -> None:
    assert chunks("F.U.C.K this") == ["fuck", "this"]
    assert chunks("n u d e  t e e n s") == ["nude", "teens"]
    assert chunks("a b poster") == ["a", "b", "poster"]


@given(st.text("abcß ", max_size=12))
def test_a_squeezed_word_repeats_nothing_and_stays_so(text: str) -> None:
    once = squeezed(text)
    assert squeezed(once) == once
    assert not re.search(r"(.)\1", once)
