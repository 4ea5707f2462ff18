"""Collections: which queries deserve a page, which images answer them, and under which address."""
