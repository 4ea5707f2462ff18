"""The paper's three kinds of query (3.1.1): what is to be seen, how it looks, what it is for."""

DESCRIPTION = "description"
STYLE = "style"
USE_CASE = "use_case"
CATEGORIES = (DESCRIPTION, STYLE, USE_CASE)
"""Everywhere in this order."""
