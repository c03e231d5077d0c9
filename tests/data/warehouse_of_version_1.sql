-- A database of version 1 of the raw schema: the tables as its script made them, with rows of two days, a failed
-- load and a row that was set aside.
create schema raw;
create table raw.run_minutes (
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
create table raw.worker_count (
    id bigint,
    count int,
    timestamp_unix bigint,
    worker_pool_name varchar(255)
);
create index run_minutes_timestamp_unix on raw.run_minutes
using brin (timestamp_unix) with (autosummarize = on);
create index worker_count_timestamp_unix on raw.worker_count
using brin (timestamp_unix) with (autosummarize = on);
create table raw.usage_loads (
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
create index usage_loads_by_day on raw.usage_loads (aspect, usage_date, load_id desc);
create table raw.quarantined_rows (
    load_id bigint not null references raw.usage_loads (load_id),
    line_number bigint not null,
    raw_line text not null,
    reason text not null
);
create index quarantined_rows_load_id on raw.quarantined_rows (load_id);
create table raw.warehouse (
    only_row boolean primary key default true check (only_row),
    account text,
    schema_version int not null,
    created_at timestamptz not null default now()
);

insert into raw.warehouse values (true, 'acme', 1, '2024-03-01 00:30:00+00');
insert into raw.run_minutes values
(
    1709164800, 10.25, false, 'PLANNING', 'TRACKED', '01HQSGM500000000000000001A', 'Network', 'network',
    '01HMSGMXD00000000000000001', true, 'pool', '01HMSGMXD00000000000000003'
),
(
    1709251200, 0.5, true, 'APPLYING', 'TRACKED', '01HQV361500000000000000002', 'Network', 'network',
    '01HMSGMXD00000000000000001', true, null, null
);
insert into raw.worker_count values (1, 5, 1709164800, 'pool'), (2, 4, 1709251200, 'pool');
insert into raw.usage_loads overriding system value values
(
    1, 'acme', 'run-minutes', '2024-02-29', '2024-02-29', '2024-03-01', 'api', 'file:///archive/1.csv.gz',
    repeat('a', 64), 190, 1, 0, 0, 'succeeded', null, 'run-1', '2024-03-01 00:30:00+00', '2024-03-01 00:30:01+00'
),
(
    2, 'acme', 'worker-count', '2024-02-29', '2024-02-29', '2024-03-01', 'api', 'file:///archive/2.csv.gz',
    repeat('b', 64), 50, 1, 0, 1, 'succeeded', null, 'run-1', '2024-03-01 00:30:00+00', '2024-03-01 00:30:01+00'
),
(
    3, 'acme', 'run-minutes', '2024-03-01', '2024-03-01', '2024-03-02', 'api', null,
    null, null, 0, 0, 0, 'failed', 'answered 503', 'run-2', '2024-03-02 00:30:00+00', '2024-03-02 00:30:01+00'
),
(
    4, 'acme', 'run-minutes', '2024-03-01', '2024-03-01', '2024-03-02', 'api', 'file:///archive/4.csv.gz',
    repeat('c', 64), 190, 1, 0, 0, 'succeeded', null, 'run-2', '2024-03-02 00:31:00+00', '2024-03-02 00:31:01+00'
),
(
    5, 'acme', 'worker-count', '2024-03-01', '2024-03-01', '2024-03-02', 'api', 'file:///archive/5.csv.gz',
    repeat('d', 64), 50, 1, 0, 0, 'succeeded', null, 'run-2', '2024-03-02 00:30:00+00', '2024-03-02 00:30:01+00'
);
select setval('raw.usage_loads_load_id_seq', 5);
insert into raw.quarantined_rows values
(2, 3, '1,many,1709168400,pool', 'count: ''many'' is not a whole number');
