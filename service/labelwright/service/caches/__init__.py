"""Answers that are already known: in this process's memory, and in Redis."""
