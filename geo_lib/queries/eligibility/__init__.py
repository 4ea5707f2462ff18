"""Whether a page may stand for a text, learned: what is asked of an oracle, what is learned of it, and what judges."""
