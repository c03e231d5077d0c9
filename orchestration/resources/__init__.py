"""Dagster resources: settings in, plain objects out."""
