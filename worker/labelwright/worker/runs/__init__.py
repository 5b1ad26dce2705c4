"""What the steps of a run work with: its lease, replies of the LLM, recent records, aliases."""
