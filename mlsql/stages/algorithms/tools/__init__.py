"""Algorithms that make a table of a table: ``run t as NAME …``."""
