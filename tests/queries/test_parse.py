import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_lib.queries.kinds import CATEGORIES
from geo_lib.queries.parse import parse, parse_response, says_nothing

PLAIN = '{"description":["red velvet chair","a chair"],"style":["coastal look"],"use_case":["reading nook ideas"]}'
QUERIES = [
    ("description", "red velvet chair"),
    ("description", "a chair"),
    ("style", "coastal look"),
    ("use_case", "reading nook ideas"),
]


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        f"```json\n{PLAIN}\n```",
        f"Here are the queries:\n{PLAIN}\nHope this helps!",
        PLAIN.replace('"', "'"),
        PLAIN.replace("]", ",]").replace("}", ",}"),
        PLAIN.replace('"description"', "description").replace('"style"', "Style").replace('"use_case"', "Use Case"),
        json.dumps(json.loads(PLAIN), indent=2),
        json.dumps([{"category": c, "query": q} for c, q in QUERIES]),
        json.dumps({"queries": [{"type": c.upper(), "text": q} for c, q in QUERIES]}),
        json.dumps({"queries": json.loads(PLAIN)}),
        PLAIN.replace(',"style"', '}\n{"style"').replace(',"use_case"', '}\n{"use_case"'),
        f"Here are [4] queries {{for you}}: {PLAIN} [end]",
        PLAIN.removesuffix("]}"),
        PLAIN.removesuffix("}"),
        PLAIN.replace('"],"style"', '","style"').replace(',"style"', '],"style"'),
        '{"description":["red velvet chair"],"description":["a chair"],'
        '"style":"coastal look","use_case":"reading nook ideas"}',
        "description: red velvet chair; a chair\nstyle: coastal look\nuse case: reading nook ideas",
        "- [description] red velvet chair\n- [description] a chair\n"
        "- [style] coastal look\n- [use_case] reading nook ideas",
        "<description>red velvet chair; a chair</description>\n"
        "<style>coastal look</style>\n<use_case>reading nook ideas</use_case>",
        "1. **Description:** red velvet chair, a chair\n"
        "2. **Style:** coastal look\n3. **Use case:** reading nook ideas",
    ],
)
def test_queries_are_found_however_the_answer_is_dressed(answer: str) -> None:
    assert parse_response(answer) == QUERIES
    assert [answer[slice(*found.span)] for found in parse(answer) if found.span and not found.reason] == [
        text for _, text in QUERIES
    ]


def test_the_query_that_was_being_written_when_the_output_was_cut_is_no_query() -> None:
    cut = PLAIN[: PLAIN.index(" nook")]
    assert parse_response(cut) == QUERIES[:3]
    assert (parse(cut)[-1].query, parse(cut)[-1].reason) == ("reading", "cut_off")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"description":["samsung 32" display","12" vinyl frame"],"style":["19" rack"]}',
         [("description", 'samsung 32" display'), ("description", '12" vinyl frame'), ("style", '19" rack')]),
        ('{"description":["frame 12" x 15"", "the "new" look"]}',
         [("description", 'frame 12" x 15"'), ("description", 'the "new" look')]),
        ('{"description":["red" "blue"]}', [("description", "red"), ("description", "blue")]),
        ("{'style':['70s' look','rock 'n' roll room']}", [("style", "70s' look"), ("style", "rock 'n' roll room")]),
        ('<think>maybe {"style": ["a draft"]}</think>{"style":["boho"]}', [("style", "boho")]),
        ('so {"style": ["a draft"]}</thinking>\n{"style":["boho"]}', [("style", "boho")]),
        ('{"style":["boho"]}<think>or {"style": ["a draft"]}', [("style", "boho")]),
        ('{"description":{"1":"red vase","query_2":"clay vase"}}',
         [("description", "red vase"), ("description", "clay vase")]),
        ('{"description":["red vase"],"style":"N/A","use_case":["none", "(n.a.)", "Keine."]}',
         [("description", "red vase")]),
        ('{"style":["frame 12", white","tv 55", 65" and 75" wall","a"]}',
         [("style", 'frame 12", white'), ("style", 'tv 55", 65" and 75" wall'), ("style", "a")]),
        ('{"style":["red", blue, "green"],"use_case":["red", blue]}',
         [("style", "red"), ("style", "blue"), ("style", "green"), ("use_case", "red"), ("use_case", "blue")]),
        ('{"style":["boho"]}\n<think>or {"style": ["a draft"]}</think>', [("style", "boho")]),
        ('[THINK]{"style": ["a draft"]}[/THINK]{"style":["boho"]}', [("style", "boho")]),
        ('<|channel|>analysis<|message|>{"style": ["a draft"]}<|end|>{"style":["boho"]}', [("style", "boho")]),
        ('{"Style queries":["1. red vase","2. clay vase"],"use_case":["1. Advent"]}',
         [("style", "red vase"), ("style", "clay vase"), ("use_case", "1. Advent")]),
        ("Description:\n1. red vase\n2) clay vase\n\n**Style (1):**\n- boho\n### Use case\n* N/A\n\nDone:\n- not this",
         [("description", "red vase"), ("description", "clay vase"), ("style", "boho")]),
        ("| Category | Query |\n|---|---|\n| Style | boho |", [("style", "boho")]),
        ("- Style-forward living room", []),
        ('{"style":[\n  "boho", // as seen\n  "rustic"\n]}', [("style", "boho"), ("style", "rustic")]),
        ('{"style"：["赤い花瓶"，「花瓶」]}', [("style", "赤い花瓶"), ("style", "花瓶")]),
        ("{'style':[«vase rouge», „rote Vase“]}", [("style", "vase rouge"), ("style", "rote Vase")]),
    ],
)  # fmt: skip
def test_what_is_no_plain_list_is_read_as_it_was_meant(answer: str, found: list[tuple[str, str]]) -> None:
    assert parse_response(answer) == found


def test_a_thought_alone_is_no_answer() -> None:
    assert [p.reason for p in parse('<think>{"style": ["a draft"]}')] == ["no_queries_found"]


def test_an_apostrophe_within_single_quotes_belongs_to_its_word() -> None:
    assert parse_response("{'style': ['men's coat', 'women's']}") == [("style", "men's coat"), ("style", "women's")]


def test_escapes_and_other_scripts_come_out_as_they_were_meant() -> None:
    answer = r'{"style": ["gem\u00fctlich", "\ud83d\ude00 caf\u00e9", "a\"b", "笑顔"]}'
    assert [q for _, q in parse_response(answer)] == ["gemütlich", "😀 café", 'a"b', "笑顔"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no_queries_found"),
        ("I cannot help with that.", "no_queries_found"),
        ("{}", "no_queries_found"),
        ('{"mood": ["happy"]}', "unknown_category"),
        ('{"style": [7]}', "not_text"),
        ('{"style": [null, ""]}', "not_text"),
        ('["red chair"]', "unknown_category"),
        ('["red chair"], ["blue chair"]', "unknown_category"),
    ],
)
def test_what_is_no_query_says_why(answer: str, reason: str) -> None:
    assert {p.reason for p in parse(answer)} == {reason}
    assert parse_response(answer) == []


@given(st.text())
def test_no_text_raises_and_every_answer_gives_something(answer: str) -> None:
    assert parse(answer)


@given(st.text(alphabet="{}[]\"':,\\u0a \n", max_size=60))
def test_no_heap_of_brackets_and_quotes_raises(answer: str) -> None:
    assert parse(answer)


def test_brackets_without_end_neither_recurse_nor_hang() -> None:
    assert parse("[" * 100_000)
    assert parse('{"style":' * 50_000)


_QUERY = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda q: not says_nothing(q)
)


@given(st.fixed_dictionaries({c: st.lists(_QUERY, max_size=3) for c in CATEGORIES}), st.booleans())
def test_what_json_dumps_writes_is_read_back(answer: dict[str, list[str]], ascii_only: bool) -> None:
    expected = [(category, query) for category, queries in answer.items() for query in queries]
    assert parse_response(json.dumps(answer, ensure_ascii=ascii_only)) == expected


@given(st.integers(0, len(PLAIN)))
def test_every_prefix_of_an_answer_gives_a_prefix_of_its_queries(length: int) -> None:
    found = parse_response(PLAIN[:length])
    assert found == QUERIES[: len(found)]
