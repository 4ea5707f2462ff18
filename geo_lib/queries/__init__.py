"""What a query is: its normal form and id, its category, and whether it may stand for an image."""
