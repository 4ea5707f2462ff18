"""The tables: one module each, with columns, meanings, key, checks and write mode."""
