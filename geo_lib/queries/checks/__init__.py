"""What a single text must pass before it may be used, a check per file; `queries/chain.py` puts them in a row."""
