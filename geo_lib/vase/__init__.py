"""VASE, visual annotation for search engines: the queries that an image is finally annotated with."""
