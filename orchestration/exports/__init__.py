"""Marts as files for other programs."""
