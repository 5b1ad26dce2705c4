"""One module a step; the number is the order."""
