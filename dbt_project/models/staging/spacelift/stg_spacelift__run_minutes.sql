with

run_minutes as (

    select * from {{ source('raw', 'run_minutes') }}

),

renamed as (

    select
        ---------- ids
        upper(run_ulid)::text as run_ulid,
        upper(stack_ulid)::text as stack_ulid,
        nullif(upper(trim(worker_pool_ulid)), '')::text as worker_pool_ulid,

        ---------- text
        nullif(trim(stack_name), '')::text as stack_name,
        nullif(trim(stack_slug), '')::text as stack_slug,
        nullif(trim(worker_pool_name), '')::text as worker_pool_name,
        upper(trim(run_state))::text as run_state,
        nullif(upper(trim(run_type)), '')::text as run_type,

        ---------- numerics
        -- Rounded once, here: every later sum is exact. The landing passes no 1,000,000,000
        -- minutes; where psql brought as many, infinity or NaN, they are not known: no sum could
        -- hold them.
        (case when abs(state_duration_minutes) < 1000000000 then state_duration_minutes end)
        ::numeric(18, 6) as state_minutes,

        ---------- booleans
        public as is_public,
        is_stack,

        ---------- dates and times
        -- Kept as it is: a filter on this column finds one day by the raw table's index.
        timestamp_unix,
        to_timestamp(timestamp_unix - timestamp_unix % 3600) as hour_at,
        (to_timestamp(timestamp_unix) at time zone 'UTC')::date as date_day

    from run_minutes

)

select * from renamed
