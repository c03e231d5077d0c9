-- Run states on private and on public workers, hour by hour.
select
    to_char(hours.hour_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "@timestamp",
    %(account)s::text as account,
    'run_state_hour' as grain,
    hours.date_day as usage_date,
    hours.is_zero_filled,
    hours.is_covered,
    hours.run_state,
    states.state_class,
    states.occupies_worker,
    hours.is_public,
    hours.state_minutes,
    hours.run_count
from marts.fct_run_state_hourly as hours
inner join marts.dim_run_states as states
    on hours.run_state = states.run_state
where hours.date_day between %(first)s and %(last)s
order by hours.hour_at, hours.run_state, hours.is_public
