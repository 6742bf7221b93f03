"""Rows as JSON, CSV, Arrow and Parquet."""
