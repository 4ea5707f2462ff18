"""What the model is asked and in which shape it answers. A change of any text here is a new version."""

import json
from collections.abc import Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from geo_lib.queries.kinds import CATEGORIES

PROMPT_VERSION = "queries-2"

TASK = "queries"
"""What is asked for, as its own line of the prompt: one model learns several tasks by it (3.1.1)."""

INSTRUCTION = (
    "Write up to 7 search queries that should lead to this image, in the language of its locale, "
    "as JSON with the keys description, style and use_case."
)

METADATA_CHARACTERS = 120
"""Each metadata value is cut after this many characters: a board title is context, not a document."""


def plain(text: Column) -> Column:
    """One line without control characters and without anything a chat template could take for a token.

    The marks ``<|`` and ``|>`` become blanks wherever they stand, so that no special token can be
    spelled, not even one that appears when another is taken out. Blank text becomes null.
    """
    unmarked = F.regexp_replace(text, r"<\||\|>|\p{Cntrl}", " ")
    line = F.trim(F.regexp_replace(unmarked, r"\s+", " "))
    return F.when(line != "", line)


def prompt(*, locale: Column, title: Column, description: Column, board: Column, creator_category: Column) -> Column:
    """The user's turn: the instruction, then a line for the task and for each metadata value that is known."""
    known = {
        "task": F.lit(TASK),
        "locale": locale,
        "title": title,
        "description": description,
        "board": board,
        "creator category": creator_category,
    }
    return F.concat_ws("\n", F.lit(INSTRUCTION), *metadata_lines(known))


def metadata_lines(known: Mapping[str, Column]) -> list[Column]:
    """A line for each metadata value by its name, cut and ``plain``; null where nothing is known."""
    return [
        F.concat(F.lit(f"{name}: "), F.substring(plain(value), 1, METADATA_CHARACTERS)) for name, value in known.items()
    ]


def prompt_column() -> Column:
    """The prompt of a row of ``images``."""
    return prompt(
        locale=F.col("locale"),
        title=F.col("title"),
        description=F.col("description"),
        board=F.col("board_title"),
        creator_category=F.col("creator_category"),
    )


def response(queries: Mapping[str, Sequence[str]]) -> str:
    """The assistant's turn: compact JSON, the categories always all there and in the same order."""
    ordered = {category: list(queries.get(category, ())) for category in CATEGORIES}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))


def response_column() -> Column:
    """The same text as ``response``, built by Spark from three array columns named after the categories."""
    answer = F.struct(*[F.col(category) for category in CATEGORIES])
    return F.to_json(answer)
