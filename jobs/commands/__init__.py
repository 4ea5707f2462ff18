"""What ``geo`` does beside running jobs: a module per command."""
