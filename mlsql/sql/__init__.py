"""What a text of Spark SQL would do, read from its plan before it runs."""
