"""One job, one file, one subcommand of ``geo``, one task of the workflow."""
