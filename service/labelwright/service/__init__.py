"""The label service: answers which label a record gets, from caches or by running a version's programs."""
