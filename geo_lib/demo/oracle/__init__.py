"""A large model of the simulated platform: an HTTP server of chat completions that answers from its truth."""
