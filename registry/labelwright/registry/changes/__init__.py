"""What changes the registry: pushes and moves of aliases, and the feed that informs watchers."""
