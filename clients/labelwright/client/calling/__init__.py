"""Channels, deadlines and retries: how a call is made."""
