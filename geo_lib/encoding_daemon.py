"""As ``geo_lib.daemon``, with the text encoder's libraries loaded as well.

Each worker that encodes would load them for half a minute of a core, and a run over small tables has many such workers:
conf/demo.yml forks them from here. They hold 1 GB, 0.4 of it shared with other processes. Not tried beside a GPU: what
an import asks of one does not survive a fork, so name ``geo_lib.daemon`` there.
"""

import contextlib
import sys

from pyspark.daemon import manager

import geo_lib.daemon  # noqa: F401

with contextlib.redirect_stdout(sys.stderr):  # on stdout Spark waits for the daemon's port and nothing else
    import sentence_transformers  # noqa: F401

if __name__ == "__main__":
    manager()
