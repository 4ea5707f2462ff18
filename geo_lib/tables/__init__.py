"""The one room that knows Delta: where a table lies, how it is made from its contract, how it is written."""

from geo_lib.tables.lakehouse import ABSENT, Tables
from geo_lib.tables.writing import Stamp

__all__ = ["ABSENT", "Stamp", "Tables"]
