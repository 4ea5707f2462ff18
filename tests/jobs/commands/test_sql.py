"""Which tables a statement asks for."""

import pytest

from jobs.commands.sql import named
from jobs.registry import all_tables


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("select count(*) from geo.images", ["images"]),
        ("SELECT * FROM GEO.Images i join geo.image_bytes using (signature)", ["image_bytes", "images"]),
        ("describe history geo.`queries`", ["queries"]),
        ("show tables in geo", []),
    ],
)
def test_only_the_tables_that_a_statement_names_are_registered_for_it(statement: str, names: list[str]) -> None:
    assert [table.name for table in named(statement, all_tables())] == names
