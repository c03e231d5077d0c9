-- The raw schema. Safe to run again on a database that has it.
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
