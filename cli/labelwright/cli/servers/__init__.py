"""Servers as child processes of a command."""
