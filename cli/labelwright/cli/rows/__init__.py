"""Rows in and out of files: CSV, JSON Lines, Parquet."""
