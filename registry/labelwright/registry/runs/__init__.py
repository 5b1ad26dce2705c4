"""Refresh runs: stored, leased, and served over RunService."""
