"""Versions that are loaded and ready to label, and the bundles that they are loaded from."""
