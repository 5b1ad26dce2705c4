"""Text of files before it is rows or tables: its encoding, and JSON that says what is wrong with it."""
