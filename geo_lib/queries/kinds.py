"""The paper's three kinds of query (3.1.1): what is to be seen, how it looks, what it is for."""

from collections.abc import Mapping

DESCRIPTION = "description"
STYLE = "style"
USE_CASE = "use_case"
CATEGORIES = (DESCRIPTION, STYLE, USE_CASE)
"""Everywhere in this order."""
QUOTAS: Mapping[str, int] = {DESCRIPTION: 2, STYLE: 2, USE_CASE: 3}
"""Queries of each kind among an image's seven."""
SHARES: Mapping[str, float] = {DESCRIPTION: 0.3, STYLE: 0.3, USE_CASE: 0.4}
"""Of each kind among the queries of a whole training set."""
