"""Refresh runs: stored, leased, and served as RunService."""
