"""As ``geo_lib.daemon``, with the text encoder's libraries loaded as well.

Each worker that encodes would load them for half a minute of a core, and a run over small tables has many such workers:
conf/demo.yml forks them from here. Elsewhere they are not worth holding, and beside a GPU they may not be: what they
ask of it does not survive a fork.
"""

import sentence_transformers  # noqa: F401
from pyspark.daemon import manager

import geo_lib.daemon  # noqa: F401

if __name__ == "__main__":
    manager()
