"""Settings: their declarations, and where they are read from."""
