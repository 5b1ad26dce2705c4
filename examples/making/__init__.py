"""What the examples' records are made of: one module a task."""
