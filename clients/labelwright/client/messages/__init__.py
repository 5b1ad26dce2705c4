"""The contract's messages, to and from what callers of the SDK see."""
