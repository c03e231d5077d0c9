"""Spacelift usage warehouse: the map of the package.

settings      every environment variable's name and meaning, once
spacelift/    the vendor: token, HTTPS, the two usage files; knows neither Dagster nor Postgres
selfhosted/   the vendor on one's own servers: usage reports, read, counted, landed, sent on request
landing/      bytes to raw tables: archive, CSV reading, one day in one transaction
contracts/    files kept by hand, contract terms and invoices: read, judged whole, landed
exports/      marts for other programs
dashboard/    marts as one HTML file for people
warehouse/    Postgres: the embedded server, the raw schema, the writer's lock
hand_made, drop_folder    files that a person exported, recognised and judged before a run lands them
demo/         a Spacelift stand-in with a fixed seed
runs/         the daily job run from the command line; runs that failed or died, in a person's words
history, history_storage    Dagster's own records and how they are written; progress: that a run moves on
assets/ resources/ definitions partitions jobs schedules sensors drop_folder_sensor checks    Dagster
cli           `spacelift-usage …`, its arguments; runs the same job that the schedule launches
commands/     what each command does
"""
