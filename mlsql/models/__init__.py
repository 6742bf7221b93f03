"""Stored models: what they are, where they lie, which of them answers."""
