"""The service as one process, or as several on one port."""
