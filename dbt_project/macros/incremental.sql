{#
    Incremental models here replace whole days: what was there for a day is deleted, what the day is now is
    inserted, in one transaction. A merge would leave rows that vanished from the source.

    Which days: `int_usage_days.is_to_rebuild` (what landed anew) for sums of raw rows, and
    `int_fact_days.is_to_rebuild` (that, or who was alive, or who is who) for zero-filled facts. Billing tables
    replace whole periods: `int_billing_periods.is_to_rebuild` (a day of theirs, or the contract).
#}

{#
    SQL condition: the row's day is one that `days` says to rebuild. The bounds let an index help.

    column: a `date_day`, or the `timestamp_unix` of a staging view; only a bare column finds its index.
    days: a calendar model; for `timestamp_unix` it must be int_usage_days.
#}
{% macro is_in_days_to_rebuild(column, days) -%}
    {%- if 'timestamp_unix' in column -%}
    {{ column }} >= (
        select min(rebuilt.starts_unix) from {{ days }} as rebuilt where rebuilt.is_to_rebuild
    )
    and {{ column }} < (
        select max(rebuilt.ends_unix) from {{ days }} as rebuilt where rebuilt.is_to_rebuild
    )
    and (to_timestamp({{ column }}) at time zone 'UTC')::date in (
        select rebuilt.date_day from {{ days }} as rebuilt where rebuilt.is_to_rebuild
    )
    {%- else -%}
    {{ column }} >= (
        select min(rebuilt.date_day) from {{ days }} as rebuilt where rebuilt.is_to_rebuild
    )
    and {{ column }} <= (
        select max(rebuilt.date_day) from {{ days }} as rebuilt where rebuilt.is_to_rebuild
    )
    and {{ column }} in (
        select rebuilt.date_day from {{ days }} as rebuilt where rebuilt.is_to_rebuild
    )
    {%- endif -%}
{%- endmacro %}

{#
    incremental_strategy='replace': delete the rows that the new ones stand for, then insert the new ones.
    The model says which: config(replaces=…), the name of a macro below that gives the condition.
#}
{% macro get_incremental_replace_sql(arg_dict) %}
    {{ replace_rows(
        arg_dict['target_relation'],
        arg_dict['temp_relation'],
        config.require('replaces'),
        arg_dict['dest_columns'] | map(attribute='name') | list,
    ) }}
{% endmacro %}

{% macro replace_rows(relation, new_rows, replaces, names) %}
    {%- set columns = get_quoted_csv(names) -%}
    delete from {{ relation }} as replaced
    where {{ context[replaces](new_rows) }};

    insert into {{ relation }} ({{ columns }})
    select {{ columns }} from {{ new_rows }}
{% endmacro %}

{% macro all_rows(new_rows) %}true{% endmacro %}

{% macro no_rows(new_rows) %}false{% endmacro %}

{% macro landed_days(new_rows) %}
    {{ is_in_days_to_rebuild('replaced.date_day', ref('int_usage_days')) }}
{% endmacro %}

{% macro fact_days(new_rows) %}
    {{ is_in_days_to_rebuild('replaced.date_day', ref('int_fact_days')) }}
{% endmacro %}

{# A run lives for days: it is replaced when it touched a rebuilt day, before or now. #}
{% macro runs_of_landed_days(new_rows) %}
    {#- One set of runs: as two conditions joined by `or`, every run there ever was is compared with every day. -#}
    replaced.run_ulid in (
        select new_runs.run_ulid from {{ new_rows }} as new_runs
        union all
        select old_runs.run_ulid
        from {{ this }} as old_runs
        inner join {{ ref('int_usage_days') }} as days
            on old_runs.last_hour_at >= days.starts_at
            and old_runs.first_hour_at < days.ends_at
        where days.is_to_rebuild
    )
{% endmacro %}

{# A billing period is replaced when a day in it or its contract changed; one that is no longer a period goes. #}
{% macro rebuilt_periods(new_rows) %}
    (replaced.contract_id, replaced.period_start_at) not in (
        select contract_id, period_start_at from {{ ref('int_billing_periods') }}
        where not is_to_rebuild
    )
{% endmacro %}

{#
    SQL condition: the calendar's rows are those that this build has written. Nobody else builds at the same time,
    unless the connection that held the lock was lost.
#}
{% macro of_this_build() %}where build_id = '{{ invocation_id }}'{% endmacro %}

{# Changes when the SQL of an incremental model changes, so that an upgrade rebuilds every day by itself. #}
{% macro incremental_code_version() -%}
    {%- set checksums = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.config.materialized == 'incremental' -%}
            {%- do checksums.append(node.unique_id ~ node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ local_md5(checksums | sort | join(',')) }}
{%- endmacro %}

{# The same, but what was charged for a period with frozen lines stays as it was. #}
{% macro rebuilt_unfinished_periods(new_rows) %}
    (replaced.contract_id, replaced.period_start_at) not in ({{ periods_with_final_charges() }})
    and ({{ rebuilt_periods(new_rows) }})
{% endmacro %}

{# SQL: the periods whose charges in `this`, all with a cost, were made with lines that are still frozen. #}
{% macro periods_with_final_charges() %}
    select
        charges.contract_id,
        charges.period_start_at
    from {{ this }} as charges
    where
        charges.is_final
        and (charges.contract_id, charges.period_start_at) in (
            select
                frozen.contract_id,
                frozen.period_start_at
            from {{ ref('int_billing_lines_frozen') }} as frozen
        )
    group by charges.contract_id, charges.period_start_at
    having count(*) = count(charges.cost)
{% endmacro %}

{# Changes when the SQL of any billing model changes, so that an upgrade rebuilds every period by itself. #}
{% macro billing_code_version() -%}
    {%- set checksums = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and 'billing' in node.fqn -%}
            {%- do checksums.append(node.unique_id ~ node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ local_md5(checksums | sort | join(',')) }}
{%- endmacro %}
