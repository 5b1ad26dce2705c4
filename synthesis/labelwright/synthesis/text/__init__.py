"""Texts in any script: their words, and which scripts they are written in."""
