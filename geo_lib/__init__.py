"""The method, room by room: pure transforms, models, indexes and the few modules that touch Spark, Delta and MLflow."""
