"""Prompts: what the model is asked, and which records it is shown."""
