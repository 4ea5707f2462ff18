"""How jobs run: what a job is, the runner, workflows, and what a person sees."""
