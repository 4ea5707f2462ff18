"""The file of trademarks, read with every row looked at: a name that no text can ever match is told, not ignored."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from geo_lib.errors import InputError

PATH = Path(__file__).with_name("lexicons") / "eligibility" / "trademarks.yml"
KIND = "trademark"
_WRITTEN = re.compile(r"[\w*<> ]+")
"""What is left of a text's signs when it is read word by word."""
_TEXT = "tag:yaml.org,2002:str"


def trademarks(path: Path = PATH) -> dict[str, Any]:
    """The list as it is written. Raises ``InputError`` with the file and the line of the first bad row."""
    loader = yaml.CSafeLoader(path.read_text(encoding="utf-8"))
    try:
        root = loader.get_single_node()
        content = loader.construct_document(root) if root is not None else None
    except yaml.YAMLError as wrong:
        raise InputError(f"{path.name} is not YAML: {' '.join(str(wrong).split())}") from wrong
    if not isinstance(content, dict) or not content.get("version"):
        raise InputError(f"{path.name} has no version; write the day of the last change, as version: 2026-11-28")
    if not isinstance(content.get("kinds"), dict) or KIND not in content["kinds"]:
        raise InputError(f"{path.name} has no names; they stand under kinds: {KIND}:")
    _check(path, _names(_below(_below(root, "kinds"), KIND)))
    return content


def _check(path: Path, names: Iterable[yaml.Node]) -> None:
    first: dict[str, int] = {}
    for node in names:
        row, name = node.start_mark.line + 1, str(node.value)
        bad = partial(_bad, path, row)
        if not isinstance(node, yaml.ScalarNode):
            raise bad("a list or a mapping stands where a name should; write names alone")
        if not name.strip():
            raise bad("a name is blank; write it or take the row out")
        if node.tag != _TEXT:
            raise bad(f"the name {name} is no text; put it in quotes")
        if name != " ".join(name.lower().split()) or not _WRITTEN.fullmatch(name):
            raise bad(f"no text is read as {name!r}; write it in lower case, single spaces and without signs")
        if name in first:
            raise bad(f"the name {name!r} stands in row {first[name]} already; take one of them out")
        first[name] = row


def _bad(path: Path, row: int, what: str) -> InputError:
    return InputError(f"{path.name}, row {row}: {what}")


def _names(kind: yaml.Node | None) -> Iterator[yaml.Node]:
    """What stands in ``stop`` and in the ``words`` of the rules, in the order of the file."""
    yield from _rows(_below(kind, "stop"))
    for rule in _rows(_below(kind, "rules")):
        yield from _rows(_below(rule, "words"))


def _rows(words: yaml.Node | None) -> Sequence[yaml.Node]:
    return words.value if isinstance(words, yaml.SequenceNode) else ()


def _below(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)
