"""What Spark forks its Python workers from, with pandas and Arrow loaded: a worker would take seconds to do so itself.

Nothing that starts threads or touches a GPU may be imported here, as a fork does not survive either.
"""

import pandas  # noqa: F401
import pyarrow  # noqa: F401
import pyspark.sql.pandas.serializers
import pyspark.worker  # noqa: F401
from pyspark.daemon import manager

if __name__ == "__main__":
    manager()
