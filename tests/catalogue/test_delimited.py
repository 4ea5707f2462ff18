"""Records of delimited text: what is lawful comes back as it was written, and nothing else is mended."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from geo_lib.catalogue.delimited import records

VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def read(text: str, separator: str = ",") -> list[tuple[int, list[str] | None]]:
    return list(records(io.StringIO(text, newline=""), separator=separator))


@given(st.lists(st.lists(VALUES, min_size=2, max_size=4)), st.sampled_from(",;\t"))
def test_what_was_written_comes_back(rows: list[list[str]], separator: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator).writerows(rows)
    assert [values for _, values in read(written.getvalue(), separator)] == rows


def test_a_record_is_known_by_its_first_line_and_empty_lines_are_none() -> None:
    assert read('a,b\r\n\r\n"c\nd",e\nf,g') == [(1, ["a", "b"]), (3, ["c\nd", "e"]), (5, ["f", "g"])]


def test_a_quote_that_nothing_closes_costs_its_own_line_alone() -> None:
    assert read('a,"b\nc,d\ne,"f"\ng,h') == [(1, None), (2, ["c", "d"]), (3, ["e", "f"]), (4, ["g", "h"])]
    rows = [f"{n},x" for n in range(50_000)]
    assert read("\n".join(['a,"b', *rows]))[:2] == [(1, None), (2, ["0", "x"])]


@given(st.text(alphabet='a",\n', max_size=40))
def test_no_line_is_lost_however_its_quotes_stand(text: str) -> None:
    found = read(text)
    told = sum(value.count("a") for _, values in found if values for value in values)
    lines = text.split("\n")
    assert told + sum(lines[line - 1].count("a") for line, values in found if values is None) == text.count("a")
