"""The grammar of word lists, and that the lists which there are keep to it."""

import csv
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from geo_lib.queries.checks import lexicon, safety
from geo_lib.queries.checks.disguises import Word
from geo_lib.queries.checks.lexicon import Lexicon, rules_of

LISTS = sorted((Path(lexicon.__file__).parent / "lexicons").rglob("*.yml"))
DATA = Path(__file__).with_name("data")
NAMES = [f"{path.parent.name}/{path.stem}" for path in LISTS]


def stopped(rules: Any, *texts: str) -> list[bool]:
    words = Lexicon(rules_of({"groups": {"people": ["girl", "woman"]}, "kinds": {"k": rules}}))
    return [bool(words.findings(text.split())) for text in texts]


def test_stars_stand_for_the_rest_of_a_word_and_a_word_for_its_plural() -> None:
    assert stopped({"stop": ["bad*"]}, "bad", "badly", "abad") == [True, True, False]
    assert stopped({"stop": ["*bad"]}, "bad", "badly", "notbad") == [True, False, True]
    assert stopped({"stop": ["*bad*"]}, "unbadly") == [True]
    assert stopped({"stop": ["bad"]}, "bads", "bad's", "badly") == [True, True, False]


def test_words_in_a_row_must_follow_each_other() -> None:
    rules = {"stop": ["kill your*", "<people> fight"]}
    texts = ["how to kill yourself", "kill time yourself", "yourself kill", "kill", "women girl fight"]
    assert stopped(rules, *texts) == [True, False, False, False, True]


def test_what_begins_or_ends_a_text_is_looked_for_nowhere_else() -> None:
    rules = {"stop": ["^show me", "gone$", "^lone$"]}
    texts = ["show me hats", "no show me hats", "all is gone", "gone girl", "lone", "lone wolf", "sh*w me", "l o n e"]
    assert stopped(rules, *texts) == [True, False, True, False, True, False, False, False]


def test_a_word_that_begins_a_text_is_judged_by_those_beside_it() -> None:
    rules = {"rules": [{"words": ["^close"], "beside": ["tab"], "unless": ["icon"]}]}
    assert stopped(rules, "close this tab", "close up", "tab to close", "close icon tab") == [True, False, False, False]


def test_a_word_beside_others_stops_with_them_alone() -> None:
    rules = {"rules": [{"words": ["nude"], "beside": ["<people>"], "unless": ["heel"]}]}
    assert stopped(rules, "nude", "nude girl", "girls nude", "nude bag") == [False, True, True, False]
    assert stopped({"rules": [{"words": ["nude"], "beside": ["<people>"], "alone": "stops"}]}, "nude") == [True]


def test_the_nearest_word_tells_how_another_is_meant() -> None:
    rules = {"rules": [{"words": ["nude"], "beside": ["<people>"], "unless": ["heel"]}]}
    assert stopped(rules, "nude girl in heels", "nude heels for a girl") == [True, False]
    assert stopped(rules, "nude woman heels", "woman nude heels") == [False, False]
    assert stopped(rules, "nude one two three four five girl") == [False]  # too far to tell


def test_a_word_stops_unless_others_clear_it_also_within_a_compound() -> None:
    rules = {"rules": [{"words": ["nackt*"], "unless": ["*schnecke*"]}]}
    assert stopped(rules, "nackt", "nacktschnecken", "nackt wie schnecken") == [True, False, False]


def test_a_word_does_not_tell_about_itself_how_it_is_meant() -> None:
    assert stopped({"rules": [{"words": ["ana", "mia"], "beside": ["ana", "mia"]}]}, "mia", "ana mia") == [False, True]


def test_a_later_list_replaces_what_an_earlier_one_says_of_a_word() -> None:
    earlier = {"kinds": {"k": {"stop": ["bad", "worse"]}}}
    later = {"kinds": {"k": {"rules": [{"words": ["bad"], "unless": ["hair"]}]}}}
    words = Lexicon(rules_of(earlier, later))
    assert [bool(words.findings(text.split())) for text in ("bad hair", "bad", "worse hair")] == [False, True, True]


def test_nothing_is_looked_for_in_what_is_harmless_or_ordinary() -> None:
    rules = rules_of({"kinds": {"k": {"stop": ["dick"]}, lexicon.HARMLESS: {"stop": ["moby dick"]}}})
    words = Lexicon(rules, ordinary=["dicks"])
    assert [bool(words.findings(t.split())) for t in ("moby dick", "a dick", "moby dick dick", "dicks")] == [
        False, True, True, False,
    ]  # fmt: skip


def content_of(path: Path) -> Any:
    return lexicon.read(path.parent.name, path.stem)


def word_lists(content: Any) -> list[list[str]]:
    """The lists of nothing but words that a file has, at any depth."""
    if isinstance(content, list) and all(isinstance(entry, str) for entry in content):
        return [content]
    within = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return list(chain.from_iterable(map(word_lists, within)))


@pytest.mark.parametrize("path", LISTS, ids=NAMES)
def test_the_lists_are_sorted_and_name_nothing_twice(path: Path) -> None:
    content = content_of(path)
    assert content["version"] >= (1 if isinstance(content["version"], int) else date(2026, 11, 28))
    for words in word_lists(content):
        assert words == sorted(set(words))
    for kind, entries in content.get("kinds", {}).items():
        spoken_of = [*entries.get("stop", ()), *(word for rule in entries.get("rules", ()) for word in rule["words"])]
        assert sorted(spoken_of) == sorted(set(spoken_of)), kind


@pytest.mark.parametrize("path", LISTS, ids=NAMES)
def test_the_lists_are_written_as_texts_are_read(path: Path) -> None:
    content = content_of(path)
    assert set(content) <= {"version", "groups", "kinds", "allowed", "harmless", "ordinary"}
    for entries in content.get("kinds", {}).values():
        assert set(entries) <= {"stop", "rules"}
        for rule in entries.get("rules", ()):
            assert set(rule) <= {"words", "beside", "unless", "alone", "instead"}
            # company is found word by word
            assert not [word for side in ("beside", "unless") for word in rule.get(side, ()) if " " in word]
    for entry in chain.from_iterable(word_lists(content)):
        assert entry == " ".join(entry.lower().split())
        assert all("*" not in word[1:-1] and word != "*" for word in entry.split())
        assert all(len(word.strip("*")) >= 3 for word in entry.split() if "*" in word), entry  # as the index has them


@pytest.mark.parametrize("path", [path for path in LISTS if path.parent.name == "safety"], ids=lambda path: path.stem)
def test_the_kinds_of_the_safety_lists_are_the_reasons_that_there_are(path: Path) -> None:
    assert set(content_of(path).get("kinds", {})) <= set(safety.KINDS)


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es", "it", "pt", "nl", "sv"])
def test_no_word_that_needs_company_stops_a_text_by_itself(locale: str) -> None:
    rules = rules_of(lexicon.read("safety", "everywhere"), lexicon.read("safety", locale))
    alone = [rule for rule in rules if not rule.stops_alone and len(rule.row) == 1]
    assert alone
    for rule in alone:
        said = [Word(rule.written.strip("*"), (rule.written.strip("*"),))]
        assert not rule.stops(0, said), rule.written


@pytest.mark.parametrize("path", LISTS, ids=NAMES)
def test_no_word_is_its_own_company(path: Path) -> None:
    for entries in content_of(path).get("kinds", {}).values():
        for rule in entries.get("rules", ()):
            heads = tuple(word.removesuffix("*") for word in rule["words"] if word.endswith("*") and " " not in word)
            assert not [word for word in rule.get("beside", ()) if word.strip("*").startswith(heads)], rule["words"]


@pytest.mark.parametrize("path", LISTS, ids=NAMES)
def test_no_query_that_the_lists_are_tried_with_stands_in_them_whole(path: Path) -> None:
    queries = set()
    for data in DATA.glob("*.tsv"):
        with data.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            queries |= {text for row in rows for name, text in row.items() if name != "kind"}
    phrases = {entry for words in word_lists(content_of(path)) for entry in words}
    # a swear word may be both; a phrase may not
    assert not {phrase for phrase in phrases & queries if " " in phrase}
