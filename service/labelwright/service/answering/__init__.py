"""A request's way: admitted, read, labeled, answered."""
