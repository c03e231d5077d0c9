"""Postgres: the embedded server, connections, the raw schema and the writer's lock."""
