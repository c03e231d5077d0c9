-- The raw schema. Safe to run again on a database that has it, of whichever version: first the tables as they
-- were made, then in order what each version changed of a table that was there already.
create schema if not exists raw;

-- Exactly the vendor's columns, so that the `\copy` lines of its documentation work unchanged.
-- Source: spacelift-io/user-documentation, docs/product/billing/usage.md
create table if not exists raw.run_minutes (
    timestamp_unix bigint,
    state_duration_minutes float,
    public boolean,
    run_state varchar(255),
    run_type varchar(255),
    run_ulid varchar(26),
    stack_name varchar(255),
    stack_slug varchar(255),
    stack_ulid varchar(26),
    is_stack boolean,
    worker_pool_name varchar(255),
    worker_pool_ulid varchar(26)
);
create table if not exists raw.worker_count (
    id bigint,
    count int,
    timestamp_unix bigint,
    worker_pool_name varchar(255)
);
-- BRIN: rows arrive day by day, so a few kilobytes of index find one day among years.
create index if not exists run_minutes_timestamp_unix on raw.run_minutes
using brin (timestamp_unix) with (autosummarize = on);
create index if not exists worker_count_timestamp_unix on raw.worker_count
using brin (timestamp_unix) with (autosummarize = on);

-- One row per attempt to land one aspect of one UTC day; the latest succeeded one is the coverage.
create table if not exists raw.usage_loads (
    load_id bigint generated always as identity primary key,
    account text not null,
    aspect text not null check (aspect in ('run-minutes', 'worker-count')),
    usage_date date not null,
    requested_since date not null,
    requested_until date not null,
    source text not null check (source in ('api', 'file')),
    archive_uri text,
    sha256 text,
    bytes bigint,
    rows_landed bigint,
    rows_outside_window bigint,
    rows_quarantined bigint,
    status text not null check (status in ('succeeded', 'failed')),
    error text,
    run_id text,
    started_at timestamptz not null,
    finished_at timestamptz not null
);
create index if not exists usage_loads_by_day on raw.usage_loads (aspect, usage_date, load_id desc);

-- Rows that could not be landed, whole; bytes that are no text are written as \x escapes.
create table if not exists raw.quarantined_rows (
    load_id bigint not null references raw.usage_loads (load_id),
    line_number bigint not null,
    raw_line text not null,
    reason text not null
);
create index if not exists quarantined_rows_load_id on raw.quarantined_rows (load_id);

-- One row: whose data this is, and which version of this schema it has.
create table if not exists raw.warehouse (
    only_row boolean primary key default true check (only_row),
    account text,
    schema_version int not null,
    created_at timestamptz not null default now()
);

-- The contract terms, as USAGE_CONTRACTS_FILE has them: replaced whole by every run, empty without a file.
-- valid_from inclusive, valid_to exclusive (null = open); prices per billing period in major units.
create table if not exists raw.contracts (
    contract_id text not null,
    account text not null,
    valid_from date not null,
    valid_to date,
    currency text not null,
    anchor_day int not null,
    timezone text not null,
    worker_metric text not null,
    worker_percentile numeric(5, 2),
    committed_workers int,
    worker_unit_price numeric,
    worker_overage_unit_price numeric,
    private_minutes_included numeric,
    private_minutes_unit_price numeric,
    private_minutes_overage_unit_price numeric,
    public_minutes_included numeric,
    public_minutes_unit_price numeric,
    public_minutes_overage_unit_price numeric,
    seats_included int,
    seats_used int,
    seat_unit_price numeric,
    base_fee numeric,
    paid_via text not null,
    line_number int not null,
    primary key (contract_id, valid_from)
);

-- What was invoiced, as USAGE_INVOICES_FILE has it; replaced whole like the contracts.
create table if not exists raw.invoices (
    contract_id text not null,
    period_start date not null,
    metric text not null,
    quantity numeric,
    amount numeric,
    currency text,
    invoice_number text,
    line_number int not null
);

-- The vendor's own figures (GraphQL `usage`), the latest answer of each UTC day; null = not told.
create table if not exists raw.vendor_usage (
    fetched_at timestamptz primary key,
    account text not null,
    billing_period_start_at timestamptz,
    billing_period_end_at timestamptz,
    used_private_minutes numeric,
    used_public_minutes numeric,
    allowed_minutes numeric,
    used_workers numeric,
    used_seats numeric,
    allowed_seats numeric,
    price_per_worker_cents numeric,
    price_per_seat_cents numeric,
    price_per_run_minute_cents numeric,
    subscription_price_cents numeric,
    upcoming_invoice_total_cents numeric,
    response jsonb not null
);

-- The vendor's worker pools (GraphQL `workerPools`), the latest answer of each UTC day.
create table if not exists raw.vendor_worker_pools (
    fetched_at timestamptz not null,
    worker_pool_ulid text not null,
    worker_pool_name text not null,
    worker_count int,
    drained_worker_count int,
    primary key (fetched_at, worker_pool_ulid)
);

-- Version 3: what the landed rows of the day add up to, minutes of all states or workers; null = not recorded.
alter table raw.usage_loads add column if not exists sum_landed numeric;
-- Version 4: a suspicious load came with far fewer rows than landed before, and was not landed. `rows_refused` are
-- the rows of a day that was not replaced. `lines` are those of the whole body under its header, counted apart from
-- the landing, less lines inside a value and empty ones at the end.
alter table raw.usage_loads
add column if not exists rows_refused bigint,
add column if not exists lines bigint,
drop constraint if exists usage_loads_status_check,
add constraint usage_loads_status_check check (status in ('succeeded', 'failed', 'suspicious'));
-- Version 5: days whose rows a person copied into the raw tables.
alter table raw.usage_loads
drop constraint if exists usage_loads_source_check,
add constraint usage_loads_source_check check (source in ('api', 'file', 'copy'));
-- Which days of the marts Elasticsearch has, and what they rested on when they were posted.
create table if not exists raw.elastic_exports (
    target text not null,
    usage_date date not null,
    fingerprint text not null,
    exported_at timestamptz not null default now(),
    primary key (target, usage_date)
);

-- Version 6: reports of self-hosted instances, and the usage of their days counted from them (source `report`).
alter table raw.usage_loads
drop constraint if exists usage_loads_source_check,
add constraint usage_loads_source_check check (source in ('api', 'file', 'copy', 'report'));

-- One row per report that landed: UTC days, `until` exclusive; `tables` are those that came, with or without rows.
create table if not exists raw.selfhosted_reports (
    report_id bigint generated always as identity primary key,
    account text not null,
    since date not null,
    until date not null,
    tables text[] not null,
    source text not null check (source in ('api', 'file')),
    account_ulid text,
    license_id text,
    spacelift_version text,
    archive_uri text not null,
    sha256 text not null,
    bytes bigint not null,
    rows_landed bigint not null,
    rows_outside_window bigint not null,
    run_id text,
    landed_at timestamptz not null default clock_timestamp()
);

-- The reports' rows as they came, one table and day replaced whole by the next report that has them.
create table if not exists raw.selfhosted_rows (
    report_id bigint not null references raw.selfhosted_reports (report_id),
    table_name text not null,
    row_date date not null,
    row_number int not null,
    row jsonb not null
);
create index if not exists selfhosted_rows_by_day on raw.selfhosted_rows (table_name, row_date);

-- One row per attempt to send a report to Spacelift. `started` and `unknown`: it may have arrived, so it counts
-- as sent.
create table if not exists raw.selfhosted_uploads (
    upload_id bigint generated always as identity primary key,
    object_key text not null,
    public_api text not null,
    sha256 text not null,
    bytes bigint not null,
    status text not null check (status in ('started', 'sent', 'failed', 'unknown')),
    error text,
    run_id text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create index if not exists selfhosted_uploads_by_key on raw.selfhosted_uploads (object_key);
