"""The service as processes: one, or several on one port."""
