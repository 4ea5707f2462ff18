"""What every trainer needs, once."""
