"""Java and Spark: found, started, given connectors, read in their plans and errors."""
