"""Backups: a registry's rows and artifacts in one file, and back into a registry on any database."""
