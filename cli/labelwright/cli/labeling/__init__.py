"""Labeling from the command line: who labels, over a file or a few records, and what differs between two bundles."""
