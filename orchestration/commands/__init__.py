"""What the commands of `spacelift-usage` do, once their arguments are read (cli.py).

daily_run          run; and the same job for commands that know their days
hand_made_files    load-file
self_hosted        report, and reports among the files of load-file
warehouse          summary, database-url, database-stop
exports            export-…
check, demo, ui    as they are called
configured         what they share: the configuration, the warehouse opened
failure            what a command raises that cannot be carried out

All of these are imported at every start: Dagster, dbt and other slow imports stand inside functions.
"""
