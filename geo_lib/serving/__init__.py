"""How any model is asked: requests, the servers that answer them, and what they cost in tokens."""
