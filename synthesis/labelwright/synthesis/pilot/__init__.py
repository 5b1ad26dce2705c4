"""The pilot: a version beside its alternatives, in figures, plots and a page."""
