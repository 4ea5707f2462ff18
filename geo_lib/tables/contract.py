"""A table as its contract has it: created from it, and an older one brought up to it or refused."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql.types import StructField

from geo_lib.errors import ContractError
from schemas.table import Table, Write

CONTRACT = "geo.contract_version"
IDENTITY = "geo.table_id"
_CONSTRAINT = "delta.constraints."


@dataclass(frozen=True, slots=True)
class Place:
    """Where one table lies, and the session that it is reached through."""

    spark: SparkSession
    name: str
    """What SQL calls it: ``delta.`<path>```, or catalog, schema and table."""
    path: str
    """Its folder, where there is no catalog."""
    in_catalog: bool


def create(place: Place, table: Table) -> None:
    properties = {
        CONTRACT: str(table.version),
        IDENTITY: str(uuid.uuid4()),
    } | {f"{_CONSTRAINT}{name}": condition for name, condition in table.checks.items()}
    if table.write is Write.MERGE:  # without them a MERGE that changes nothing commits all the same
        properties["delta.enableDeletionVectors"] = "true"
    if table.slice_by:
        # smallest and largest values of every column cost a fifth of a write, and only slices are sought
        properties["delta.dataSkippingStatsColumns"] = ",".join(dict.fromkeys((table.slice_by, *table.cluster_by)))
    place.spark.sql(
        f"create table if not exists {place.name} ({', '.join(map(_ddl, table.stored))}) using delta "
        f"comment {quoted(table.comment)} {_clustered(table)} "
        f"tblproperties ({', '.join(f'{quoted(k)} = {quoted(v)}' for k, v in properties.items())})"
    )


def bring_up_to_date(place: Place, table: Table, properties: Mapping[str, str]) -> bool:
    """Add the nullable columns that the contract has and the table lacks; return whether that made a commit.

    A table that was not clustered is so from now on, which the next OPTIMIZE shows. Raises ``ContractError`` when the
    table differs from the contract in anything else.
    """
    stored_version = int(properties.get(CONTRACT, 0))
    if stored_version == table.version:
        return False
    checks = {k.removeprefix(_CONSTRAINT): v for k, v in properties.items() if k.startswith(_CONSTRAINT)}
    stored = {f.name: f for f in place.spark.read.table(place.name).schema}
    wanted = {f.name: f for f in table.stored}
    added = [f for name, f in wanted.items() if name not in stored]
    differing = [
        f"{name}: {stored[name].dataType.simpleString()} is stored, {f.dataType.simpleString()} wanted"
        for name, f in wanted.items()  # in words, which leave out what no table stores: whether elements may be null
        if name in stored and stored[name].dataType.simpleString() != f.dataType.simpleString()
    ] + [f"{name}: stored, no longer in the contract" for name in stored if name not in wanted]
    differing += [f"{f.name}: new, and not nullable" for f in added if not f.nullable]
    differing += [
        f"{name}: {'null allowed' if stored[name].nullable else 'not null'} as stored, the other way wanted"
        for name, f in wanted.items()
        if name in stored and stored[name].nullable != f.nullable
    ]
    differing += [
        f"check {name}: {checks.get(name, 'none')} is stored, {table.checks.get(name, 'none')} wanted"
        for name in sorted(checks.keys() | table.checks.keys())
        if checks.get(name) != table.checks.get(name)
    ]
    if differing:
        raise ContractError(
            f"{table.name} is stored at contract version {stored_version}, the code has {table.version}, and "
            f"only added nullable columns apply by themselves:\n  " + "\n  ".join(differing) + "\n"
            f"Migrate {place.path} by hand, or delete it and run again."
        )
    if added:
        place.spark.sql(f"alter table {place.name} add columns ({', '.join(map(_ddl, added))})")
    if table.cluster_by:
        place.spark.sql(f"alter table {place.name} {_clustered(table)}")
    place.spark.sql(f"alter table {place.name} set tblproperties ({quoted(CONTRACT)} = {quoted(str(table.version))})")
    return True


def quoted(text: str) -> str:
    """``text`` as a literal of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _clustered(table: Table) -> str:
    return f"cluster by ({', '.join(table.cluster_by)})" if table.cluster_by else ""


def _ddl(column: StructField) -> str:
    comment = column.metadata.get("comment", "")
    null = "" if column.nullable else " not null"
    return f"`{column.name}` {column.dataType.simpleString()}{null} comment {quoted(comment)}"
