"""The Dagster assets: the two raw tables and the dbt models."""
