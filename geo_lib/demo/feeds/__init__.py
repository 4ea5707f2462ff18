"""The files that an outside platform would deliver."""
