"""What every step of a run works with: the held lease, replies, recent records, production's aliases."""
