{#
    Foreign keys between marts, as their contracts declare them. BI tools read them; Postgres holds the facts to them.

    They are not made with the table: checked row by row, a first load would take twice as long. The end of every
    build makes those that are not there, and checks them in one pass (`make_foreign_keys`, on-run-end).
#}

{# The columns and constraints of a new table: dbt's, without the foreign keys. #}
{% macro postgres__get_table_columns_and_constraints() %}
    {%- set columns = adapter.render_raw_columns_constraints(raw_columns=model['columns']) -%}
    {%- set constraints = adapter.render_raw_model_constraints(
        raw_constraints=model['constraints'] | rejectattr('type', 'eq', 'foreign_key') | list
    ) -%}
    ({{ (columns + constraints) | join(', ') }})
{% endmacro %}

{#
    SQL: when the query finds a row, drop the foreign keys that point at the relation.

    A dimension loses a row before the facts that point at it are rebuilt, a pool for instance whose ULID became
    known. Postgres would refuse that; the end of the build makes the keys again.
#}
{% macro drop_foreign_keys_to(relation, if_any) %}
    do $drop$
    declare
        foreign_key record;
    begin
        if exists ({{ if_any }}) then
            for foreign_key in
                select conrelid::regclass as table_name, conname from pg_constraint
                where contype = 'f' and confrelid = '{{ relation }}'::regclass
                -- One order for all: dimensions are built side by side.
                order by conrelid
            loop
                execute format(
                    'alter table %s drop constraint %I', foreign_key.table_name, foreign_key.conname
                );
            end loop;
        end if;
    end
    $drop$;
{% endmacro %}

{#
    SQL for on-run-end: make the declared foreign keys that are not there and check those that are not checked.

    A build of some models alone may leave facts that point at a row which is gone: their key stays there unchecked,
    holds for new rows, and is checked again after the next build.
#}
{% macro make_foreign_keys() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
    {%- set declared = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- for constraint in node.constraints if constraint.type == 'foreign_key' -%}
            {#- ref('dim_dates') before a node is compiled, "…"."marts"."dim_dates" after. -#}
            {%- set dimension = modules.re.findall('[a-z_0-9]+', constraint.to)[-1] -%}
            {%- do declared.append("('%s', '%s', '%s', '%s')" % (
                node.name, constraint.columns | join(', '), dimension, constraint.to_columns | join(', ')
            )) -%}
        {%- endfor -%}
    {%- endfor -%}
    do $make$
    declare
        foreign_key record;
    begin
        for foreign_key in
            select
                declared.*,
                format('%s_%s_fkey', declared.fact, replace(declared.columns, ', ', '_')) as name,
                existing.oid is null as is_missing
            from (values {{ declared | sort | join(', ') }})
                as declared (fact, columns, dimension, dimension_columns)
            left join pg_constraint as existing
                on existing.conrelid = to_regclass('marts.' || declared.fact)
                and existing.conname
                = format('%s_%s_fkey', declared.fact, replace(declared.columns, ', ', '_'))
            where
                to_regclass('marts.' || declared.fact) is not null
                and to_regclass('marts.' || declared.dimension) is not null
                and not coalesce(existing.convalidated, false)
        loop
            if foreign_key.is_missing then
                execute format(
                    'alter table marts.%I add constraint %I foreign key (%s) references marts.%I (%s) not valid',
                    foreign_key.fact, foreign_key.name, foreign_key.columns,
                    foreign_key.dimension, foreign_key.dimension_columns
                );
            end if;
            begin
                execute format(
                    'alter table marts.%I validate constraint %I', foreign_key.fact, foreign_key.name
                );
            exception when foreign_key_violation then
                raise notice '% is not checked: %', foreign_key.name, sqlerrm;
            end;
        end loop;
    end
    $make$
    {%- endif -%}
{% endmacro %}
