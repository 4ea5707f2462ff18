"""The tiny base model: its pretraining and what it sees."""
