"""What a table is: its columns, what each column means, what makes a row unique and how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from pyspark.sql import DataFrame
from pyspark.sql.types import BooleanType, DataType, DateType, StringType, StructField, StructType


class SchemaMismatchError(ValueError):
    """A DataFrame does not fit the table it is about to be written to."""


class Write(Enum):
    """How ``geo_lib.tables`` brings new rows into a table."""

    REPLACE_WHERE = "replace-where"
    """Whole slices (values of ``slice_by``) are replaced, and only those whose content differs."""
    MERGE = "merge"
    """Rows are inserted or, when their content differs, updated by key; none is deleted."""
    MERGE_AND_DELETE_MISSING = "merge-and-delete-missing"
    """As MERGE, and keys that the new rows lack are deleted: the write is the whole truth."""
    REPLACE = "replace"
    """The whole table is replaced when its content differs. Rows that stay have the provenance of that run, too; it is
    cheaper than merging where a new day changes nearly every row."""
    APPEND = "append"
    """Rows whose key is not there yet are added, exactly once per (run, sequence)."""


def column(name: str, dtype: DataType, comment: str, *, nullable: bool = False) -> StructField:
    """A column with its unit or meaning; a nullable one says in its comment what null means."""
    return StructField(name, dtype, nullable, {"comment": comment})


PROVENANCE = (
    column("simulated", BooleanType(), "true when the row comes from the simulated platform"),
    column("run_id", StringType(), "run that last changed this row"),
    column("as_of", DateType(), "day that run looked back from"),
    column("code_commit", StringType(), "code that run ran: git commit, or the hash of the package's sources"),
)
"""Columns that every stored table ends with; ``geo_lib.tables`` fills them."""

NOT_CONTENT = frozenset({"run_id", "as_of", "code_commit"})
"""Provenance that a row may differ in and still be the same row."""


@dataclass(frozen=True, slots=True)
class Table:
    """A contract. ``schema`` holds the content columns; ``stored`` adds the provenance."""

    name: str
    comment: str
    schema: StructType
    key: tuple[str, ...]
    write: Write
    checks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """CHECK constraints: name to SQL condition."""
    cluster_by: tuple[str, ...] = ()
    slice_by: str | None = None
    """REPLACE_WHERE only: the column whose values are replaced whole."""
    version: int = 1
    """Stored as a table property; raised with every change of the contract."""

    def __post_init__(self) -> None:
        names = set(self.schema.names)
        for role, columns in (
            ("key", self.key),
            ("cluster_by", self.cluster_by),
            ("slice_by", (self.slice_by,)),
        ):
            if unknown := [c for c in columns if c is not None and c not in names]:
                raise ValueError(f"{self.name}.{role} names {', '.join(unknown)}, which is no column of it")
        if (self.write is Write.REPLACE_WHERE) != (self.slice_by is not None):
            raise ValueError(f"{self.name}: slice_by goes with REPLACE_WHERE, and only with it")

    @property
    def stored(self) -> StructType:
        """Every column as it stands on disk: content, then provenance."""
        return StructType([*self.schema.fields, *PROVENANCE])

    def conform(self, df: DataFrame) -> DataFrame:
        """Return exactly the content columns, in this table's order, or say all that is wrong at once."""
        wanted = {f.name: f.dataType.simpleString() for f in self.schema}
        found = {f.name: f.dataType.simpleString() for f in df.schema}
        problems = [
            f"{name}: expected {dtype}, found {found.get(name, 'no such column')}"
            for name, dtype in wanted.items()
            if found.get(name) != dtype
        ]
        problems += [f"{name}: not a column of {self.name}" for name in found if name not in wanted]
        if problems:
            raise SchemaMismatchError(f"{self.name} cannot take this DataFrame:\n  " + "\n  ".join(problems))
        return df.select(*wanted)
