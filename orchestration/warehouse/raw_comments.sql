-- What the raw tables and their columns mean, for whoever looks at them in a database tool. Run after raw_schema.sql.
comment on schema raw is 'Spacelift''s usage as it came, what was landed of it, and what people keep by hand. Times are UTC.';

comment on table raw.run_minutes is
'One row per run, state and hour, as Spacelift''s file has them; waiting and finished states are in it too.';
comment on column raw.run_minutes.timestamp_unix is 'Start of the hour, seconds since 1970, UTC.';
comment on column raw.run_minutes.state_duration_minutes is 'Minutes of the hour that the run spent in the state.';
comment on column raw.run_minutes.public is 'Whether the run was on Spacelift''s own workers.';
comment on column raw.run_minutes.run_state is 'The state that the minutes were spent in.';
comment on column raw.run_minutes.run_type is 'Kind of run, for instance TRACKED or PROPOSED.';
comment on column raw.run_minutes.run_ulid is 'The run.';
comment on column raw.run_minutes.stack_name is 'Name of the stack or module at that time.';
comment on column raw.run_minutes.stack_slug is 'Short name of the stack or module, as in its address.';
comment on column raw.run_minutes.stack_ulid is 'The stack or module; unlike its names this stays.';
comment on column raw.run_minutes.is_stack is 'True for a stack, false for a module.';
comment on column raw.run_minutes.worker_pool_name is 'Name of the private worker pool; empty on public workers.';
comment on column raw.run_minutes.worker_pool_ulid is 'The private worker pool; empty on public workers.';

comment on table raw.worker_count is
'One row per private worker pool and hour with at least one worker; hours without workers are left out.';
comment on column raw.worker_count.id is 'Spacelift''s number of the row.';
comment on column raw.worker_count.count is 'Workers connected, busy or idle.';
comment on column raw.worker_count.timestamp_unix is 'Start of the hour, seconds since 1970, UTC.';
comment on column raw.worker_count.worker_pool_name is 'Name of the pool at that time; the file has no ULID.';

comment on table raw.usage_loads is
'One row per attempt to land one file of one UTC day; the latest succeeded one of each is the coverage.';
comment on column raw.usage_loads.load_id is 'Number of the attempt; later ones are greater.';
comment on column raw.usage_loads.account is 'The Spacelift account.';
comment on column raw.usage_loads.aspect is 'Which file: run-minutes or worker-count.';
comment on column raw.usage_loads.usage_date is 'The UTC day.';
comment on column raw.usage_loads.requested_since is 'First UTC day of the body that the day came in.';
comment on column raw.usage_loads.requested_until is 'The UTC day after the last one of that body.';
comment on column raw.usage_loads.source is
'api: asked from Spacelift. file: a person''s file. copy: copied into the tables by hand. report: counted from a report.';
comment on column raw.usage_loads.archive_uri is 'Where the body is kept.';
comment on column raw.usage_loads.sha256 is 'SHA-256 of the uncompressed body.';
comment on column raw.usage_loads.bytes is 'Bytes of the uncompressed body.';
comment on column raw.usage_loads.rows_landed is 'Rows of the day that are in the raw table since.';
comment on column raw.usage_loads.rows_outside_window is 'Rows of the body that belong to none of its days.';
comment on column raw.usage_loads.rows_quarantined is 'Rows that could not be landed.';
comment on column raw.usage_loads.status is
'succeeded, failed, or suspicious: far fewer rows than before, and therefore not landed.';
comment on column raw.usage_loads.error is 'Why it failed or was not landed, in one line.';
comment on column raw.usage_loads.run_id is 'The Dagster run.';
comment on column raw.usage_loads.started_at is 'When its body began to land.';
comment on column raw.usage_loads.finished_at is 'When the attempt ended.';
comment on column raw.usage_loads.sum_landed is
'What the landed rows add up to: minutes of all states, or workers. Null: not recorded.';
comment on column raw.usage_loads.rows_refused is 'Rows of a day that was not replaced.';
comment on column raw.usage_loads.lines is 'Lines of the whole body below its header, counted apart from the landing.';

comment on table raw.quarantined_rows is 'Rows of landed days that could not be landed themselves, whole; none is dropped.';
comment on column raw.quarantined_rows.load_id is 'The load it came with.';
comment on column raw.quarantined_rows.line_number is 'Its line in the file; the header is line 1.';
comment on column raw.quarantined_rows.raw_line is 'The line; bytes that are no text are written as \x escapes.';
comment on column raw.quarantined_rows.reason is 'What is wrong with it.';

comment on table raw.warehouse is 'One row: whose usage this database holds, and the version of this schema.';
comment on column raw.warehouse.only_row is 'Always true, so that there is one row.';
comment on column raw.warehouse.account is 'The Spacelift account; null before the first load.';
comment on column raw.warehouse.schema_version is 'Version of the raw schema.';
comment on column raw.warehouse.created_at is 'When the schema was made.';

comment on table raw.contracts is
'One row per contract and validity, as the contracts file has them; replaced whole by every run. Prices are confidential.';
comment on column raw.contracts.contract_id is 'Name of the contract.';
comment on column raw.contracts.account is 'The account it is about; it prices no other.';
comment on column raw.contracts.valid_from is 'First UTC day of these terms.';
comment on column raw.contracts.valid_to is 'The UTC day after their last one; null: open.';
comment on column raw.contracts.currency is 'Of all prices of the row.';
comment on column raw.contracts.anchor_day is 'Day of the month on which billing periods begin.';
comment on column raw.contracts.timezone is 'Time zone in which they begin.';
comment on column raw.contracts.worker_metric is 'How workers are billed: percentile, max or none.';
comment on column raw.contracts.worker_percentile is 'Which percentile of the hours, for instance 95.';
comment on column raw.contracts.committed_workers is 'Workers paid for in any case.';
comment on column raw.contracts.worker_unit_price is 'Per committed worker and period.';
comment on column raw.contracts.worker_overage_unit_price is 'Per worker above the commitment and period.';
comment on column raw.contracts.private_minutes_included is 'Minutes on private workers that the contract includes, per period.';
comment on column raw.contracts.private_minutes_unit_price is 'Per private minute within those included.';
comment on column raw.contracts.private_minutes_overage_unit_price is 'Per private minute above those included.';
comment on column raw.contracts.public_minutes_included is 'Minutes on public workers that the contract includes, per period.';
comment on column raw.contracts.public_minutes_unit_price is 'Per public minute within those included.';
comment on column raw.contracts.public_minutes_overage_unit_price is 'Per public minute above those included.';
comment on column raw.contracts.seats_included is 'Seats that the contract includes.';
comment on column raw.contracts.seats_used is 'Seats in use, as a person counted them.';
comment on column raw.contracts.seat_unit_price is 'Per seat above those included and period.';
comment on column raw.contracts.base_fee is 'Per period, whatever is used.';
comment on column raw.contracts.paid_via is 'direct, or marketplace.';
comment on column raw.contracts.line_number is 'Line of the contracts file.';

comment on table raw.invoices is 'One row per line of the invoices file, which a person keeps by hand; replaced whole by every run.';
comment on column raw.invoices.contract_id is 'The contract it was invoiced under.';
comment on column raw.invoices.period_start is 'First UTC day of the billing period.';
comment on column raw.invoices.metric is 'What was invoiced: a line of the bill, its total, what was used, tax or credit.';
comment on column raw.invoices.quantity is 'As invoiced; null: not told.';
comment on column raw.invoices.amount is 'As invoiced, in major units; null: not told.';
comment on column raw.invoices.currency is 'Of the amount.';
comment on column raw.invoices.invoice_number is 'As the invoice has it.';
comment on column raw.invoices.line_number is 'Line of the invoices file.';

comment on table raw.vendor_usage is
'What Spacelift itself says about the current billing period (GraphQL usage), one row per UTC day; null: not told.';
comment on column raw.vendor_usage.fetched_at is 'When it was asked.';
comment on column raw.vendor_usage.account is 'The Spacelift account.';
comment on column raw.vendor_usage.billing_period_start_at is 'Start of the billing period.';
comment on column raw.vendor_usage.billing_period_end_at is 'End of the billing period.';
comment on column raw.vendor_usage.used_private_minutes is 'Minutes on private workers so far.';
comment on column raw.vendor_usage.used_public_minutes is 'Minutes on public workers so far.';
comment on column raw.vendor_usage.allowed_minutes is 'Minutes that are included.';
comment on column raw.vendor_usage.used_workers is 'Workers that Spacelift counts for the bill.';
comment on column raw.vendor_usage.used_seats is 'Seats in use.';
comment on column raw.vendor_usage.allowed_seats is 'Seats that are included.';
comment on column raw.vendor_usage.price_per_worker_cents is 'In cents.';
comment on column raw.vendor_usage.price_per_seat_cents is 'In cents.';
comment on column raw.vendor_usage.price_per_run_minute_cents is 'In cents.';
comment on column raw.vendor_usage.subscription_price_cents is 'In cents.';
comment on column raw.vendor_usage.upcoming_invoice_total_cents is 'In cents.';
comment on column raw.vendor_usage.response is 'The whole answer.';

comment on table raw.vendor_worker_pools is 'Spacelift''s own list of worker pools, the latest answer of each UTC day.';
comment on column raw.vendor_worker_pools.fetched_at is 'When it was asked.';
comment on column raw.vendor_worker_pools.worker_pool_ulid is 'The pool.';
comment on column raw.vendor_worker_pools.worker_pool_name is 'Its name at that time.';
comment on column raw.vendor_worker_pools.worker_count is 'Workers connected at that moment.';
comment on column raw.vendor_worker_pools.drained_worker_count is 'Those of them that take no new runs.';

comment on table raw.elastic_exports is 'Which days of the marts Elasticsearch has, and what they rested on when they were posted.';
comment on column raw.elastic_exports.target is 'The URL of Elasticsearch.';
comment on column raw.elastic_exports.usage_date is 'The UTC day.';
comment on column raw.elastic_exports.fingerprint is 'What the day rested on; another one means that it is posted again.';
comment on column raw.elastic_exports.exported_at is 'When it was posted.';

comment on table raw.selfhosted_reports is 'One row per usage report of a self-hosted instance that landed.';
comment on column raw.selfhosted_reports.report_id is 'Number of the report; later ones are greater.';
comment on column raw.selfhosted_reports.account is 'The name that the instance has here.';
comment on column raw.selfhosted_reports.since is 'First UTC day of the report.';
comment on column raw.selfhosted_reports.until is 'The UTC day after its last one.';
comment on column raw.selfhosted_reports.tables is 'The tables that came, with or without rows.';
comment on column raw.selfhosted_reports.source is 'api: asked from the instance. file: a person''s file.';
comment on column raw.selfhosted_reports.account_ulid is 'The account, as the report names it.';
comment on column raw.selfhosted_reports.license_id is 'The licence, as the report names it.';
comment on column raw.selfhosted_reports.spacelift_version is 'Version of the instance.';
comment on column raw.selfhosted_reports.archive_uri is 'Where the report is kept, byte for byte.';
comment on column raw.selfhosted_reports.sha256 is 'SHA-256 of the report.';
comment on column raw.selfhosted_reports.bytes is 'Bytes of the report.';
comment on column raw.selfhosted_reports.rows_landed is 'Rows that are in raw.selfhosted_rows since.';
comment on column raw.selfhosted_reports.rows_outside_window is 'Rows that belong to none of the report''s days.';
comment on column raw.selfhosted_reports.run_id is 'The Dagster run.';
comment on column raw.selfhosted_reports.landed_at is 'When it landed.';

comment on table raw.selfhosted_rows is
'The rows of the reports as they came; a later report of the same table and day takes their place.';
comment on column raw.selfhosted_rows.report_id is 'The report it came with.';
comment on column raw.selfhosted_rows.table_name is 'The report''s table.';
comment on column raw.selfhosted_rows.row_date is 'The UTC day it belongs to.';
comment on column raw.selfhosted_rows.row_number is 'Its place in the table.';
comment on column raw.selfhosted_rows.row is 'The row.';

comment on table raw.selfhosted_uploads is 'One row per attempt to send a report to Spacelift.';
comment on column raw.selfhosted_uploads.upload_id is 'Number of the attempt; later ones are greater.';
comment on column raw.selfhosted_uploads.object_key is 'The name it was sent under.';
comment on column raw.selfhosted_uploads.public_api is 'Where the place for it was asked.';
comment on column raw.selfhosted_uploads.sha256 is 'SHA-256 of what was sent.';
comment on column raw.selfhosted_uploads.bytes is 'Bytes of what was sent.';
comment on column raw.selfhosted_uploads.status is
'started, sent, failed or unknown; with started and unknown it may have arrived, so they count as sent.';
comment on column raw.selfhosted_uploads.error is 'Why it failed, in one line.';
comment on column raw.selfhosted_uploads.run_id is 'The Dagster run.';
comment on column raw.selfhosted_uploads.started_at is 'When sending began.';
comment on column raw.selfhosted_uploads.finished_at is 'When it ended; null while it goes on, or when it was killed.';
