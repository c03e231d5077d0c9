"""Bytes to raw tables, in plain Python: archive, CSV reading, one day in one transaction."""
