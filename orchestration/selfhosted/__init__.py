"""Self-hosted instances: their usage report, plain Python; knows neither Dagster nor dbt.

report        the JSON envelope: read, judged, its whole days
client        asking the instance for a report
report_file   a report that a person exported, or that the archive has
raw_rows      the report's rows into raw.selfhosted_rows, table and day replaced whole
heartbeats    when workers were there -> workers per pool and hour
transitions   what runs did -> minutes per run, state and hour
usage_days    both, landed as days of the two usage files
upload        a report to Spacelift, on request, never twice
"""
