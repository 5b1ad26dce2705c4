"""The sample of recent records that is kept for tasks that ask for one."""
