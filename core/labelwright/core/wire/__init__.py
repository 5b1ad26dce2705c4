"""The contract's messages and statuses, to and from what the packages work with."""
