"""The path of a request: admitted, read, labeled, answered."""
