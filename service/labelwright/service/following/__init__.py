"""Follows the registry: live versions change between two requests."""
