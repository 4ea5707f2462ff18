"""The method, room by room: pure transforms, models, indexes and the few modules that touch Spark, Delta and MLflow."""

import os

# OpenMP threads that wait by spinning take the processor from whoever they wait for: beside other work on the same
# cores a matrix product took 54 ms instead of 10. Read once, when torch loads it: so set before anything imports torch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
