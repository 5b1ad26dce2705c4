"""One round of writing: each program is asked for, repaired, tried in the sandbox, and kept or dropped."""
