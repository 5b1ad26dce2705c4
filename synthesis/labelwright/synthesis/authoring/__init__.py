"""Authoring: a capable model writes whole programs, in one conversation a task."""
