"""The vision-language model: what it is asked, what it answers, and how it is tuned."""
