{#
    Tables and views are brought up to date in place instead of being made anew under their name: whatever
    somebody has put on them stays, be it a view of their own, a right or a foreign key, and a table that did
    not change is not written. dbt's own materializations are used the first time, and when columns or the key
    change; what depends on the relation goes then.

    These take the place of dbt's `table`, `view` and `incremental` for Postgres. What the database is asked for
    one table is three statements; dbt has ten, and most of a daily run is the time that dbt takes around them.
#}

{# A table with a key: rows that are gone are deleted, those that differ updated, new ones inserted. #}
{% materialization table, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set key = key_columns() -%}
    {%- if existing_relation is none or not existing_relation.is_table or not key -%}
        {{ return(made_anew(dbt.materialization_table_default())) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set temp_relation = make_temp_relation(target_relation) -%}
    {%- set columns = columns_of_new_rows(temp_relation, target_relation) -%}
    {%- if not columns -%}
        {{ return(made_anew(dbt.materialization_table_default())) }}
    {%- endif -%}
    {% call statement('main') -%}
        {{ rewrite_what_differs(target_relation, temp_relation, key, columns) }}
    {%- endcall %}
    {{ return(finished_in_place(target_relation)) }}
{% endmaterialization %}

{# Days or periods are replaced in place (incremental.sql), by a full refresh all rows, in one transaction. #}
{% materialization incremental, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- if existing_relation is none or not existing_relation.is_table -%}
        {{ return(made_anew(dbt.materialization_incremental_default())) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set temp_relation = make_temp_relation(target_relation) -%}
    {%- set columns = columns_of_new_rows(temp_relation, target_relation) -%}
    {%- if not columns -%}
        {{ return(made_anew(dbt.materialization_incremental_default())) }}
    {%- endif -%}
    {%- set replaces = 'all_rows' if should_full_refresh() else config.require('replaces') -%}
    {% call statement('main') -%}
        {{ replace_rows(target_relation, temp_relation, replaces, columns) }}
    {%- endcall %}
    {{ return(finished_in_place(target_relation)) }}
{% endmaterialization %}

{% materialization view, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- if existing_relation is none or not existing_relation.is_view -%}
        {{ return(dbt.materialization_view_default()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    {% call statement('main') -%}
        do $replace$
        begin
            create or replace view {{ target_relation }} as (
                {{ sql }}
            );
        -- Columns were removed, renamed or have another type.
        exception when invalid_table_definition then
            drop view {{ target_relation }} cascade;
            create view {{ target_relation }} as (
                {{ sql }}
            );
        end
        $replace$
    {%- endcall %}
    {{ return(finished_in_place(target_relation)) }}
{% endmaterialization %}

{#
    Puts the model's rows into a temporary table and gives the names of its columns; none, and no temporary
    table, when they are not those that the model's own table has.
#}
{% macro columns_of_new_rows(temp_relation, target_relation) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('new_rows') -%}
        create temporary table {{ temp_relation }} as ({{ sql }})
    {%- endcall %}
    {%- set columns = columns_of_both(temp_relation, target_relation) -%}
    {%- if not columns -%}
        {% do adapter.drop_relation(temp_relation) %}
    {%- endif -%}
    {{ return(columns) }}
{% endmacro %}

{#
    What a table made anew ends with. Postgres knows nothing of it, and the next models read it at once: a join that
    took it for one row needed 16 seconds instead of 0.1 over the demo's four months, and grows with their square.
#}
{% macro made_anew(result) %}
    {% call statement('analyze') -%}
        {{ analyze_small_sample() }}
    {%- endcall %}
    {% do adapter.commit() %}
    {{ return(result) }}
{% endmacro %}

{# What every materialization in place ends with. #}
{% macro finished_in_place(relation) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{# The columns of the contract's primary key, or of config(unique_key=…) where there is no contract. #}
{% macro key_columns() %}
    {%- for constraint in model.constraints if constraint.type == 'primary_key' -%}
        {{ return(constraint.columns) }}
    {%- endfor -%}
    {%- set key = config.get('unique_key', default=[]) -%}
    {{ return([key] if key is string else key) }}
{% endmacro %}

{#
    The names of the columns when both relations have the same, types included, and they are those of the
    contract, if there is one; else none. dbt's own materialization then says what is wrong with a contract. One
    query of the catalog: dbt asks four times, two of them the information schema, which takes ten times as long.
#}
{% macro columns_of_both(new_relation, old_relation) %}
    {%- set is_declared -%}
        {%- if config.get('contract').enforced -%}
            (select count(*) from new_columns) = {{ model.columns | length }}
            and new_columns.atttypid = case new_columns.attname
                {%- for column in model.columns.values() %}
                when '{{ column.name }}' then '{{ column.data_type }}'::regtype
                {%- endfor %}
            end
        {%- else -%}
            true
        {%- endif -%}
    {%- endset -%}
    {% set query %}
        with columns_of as (
            select attrelid, attname, atttypid, atttypmod from pg_attribute
            where
                attrelid in ('{{ new_relation }}'::regclass, '{{ old_relation }}'::regclass)
                and attnum > 0
                and not attisdropped
        ),

        new_columns as (select * from columns_of where attrelid = '{{ new_relation }}'::regclass),

        old_columns as (select * from columns_of where attrelid = '{{ old_relation }}'::regclass)

        select
            coalesce(new_columns.attname, old_columns.attname) as name,
            coalesce(old_columns.attname is not null and {{ is_declared }}, false) as is_as_before
        from new_columns
        full outer join old_columns
            on new_columns.attname = old_columns.attname
            and new_columns.atttypid = old_columns.atttypid
            -- An expression without a cast has no scale of its own.
            and new_columns.atttypmod in (-1, old_columns.atttypmod)
    {% endset %}
    {%- set rows = run_query(query).rows -%}
    {{ return([] if rows | rejectattr('is_as_before') | list else rows | map(attribute='name') | list) }}
{% endmacro %}

{#
    SQL: make `relation` hold exactly the rows of `new_rows`.

    key: names of the columns that tell rows apart. A row without one of them is deleted and inserted.
    names: those of all columns.
#}
{% macro rewrite_what_differs(relation, new_rows, key, names) %}
    {%- set columns = get_quoted_csv(names) -%}
    {%- set others = names | reject('in', key) | map('tojson') | list -%}
    {%- set same_key -%}
        {% for name in key %}old_rows.{{ name }} = new_rows.{{ name }}{{ ' and ' if not loop.last }}{% endfor %}
    {%- endset -%}
    {%- set gone -%}
        not exists (select from {{ new_rows }} as new_rows where {{ same_key }})
    {%- endset -%}
    -- Two rows of one key would pass unseen: the update takes any of them, the insert none.
    create unique index on {{ new_rows }} ({{ key | join(', ') }});

    {{ drop_foreign_keys_to(relation, if_any='select from ' ~ relation ~ ' as old_rows where ' ~ gone) }}

    delete from {{ relation }} as old_rows where {{ gone }};

    {% if others -%}
    update {{ relation }} as old_rows
    set ({{ others | join(', ') }}) = row (new_rows.{{ others | join(', new_rows.') }})
    from {{ new_rows }} as new_rows
    where
        {{ same_key }}
        and (old_rows.{{ others | join(', old_rows.') }})
        is distinct from (new_rows.{{ others | join(', new_rows.') }});
    {%- endif %}

    insert into {{ relation }} ({{ columns }})
    select {{ columns }} from {{ new_rows }} as new_rows
    where not exists (select from {{ relation }} as old_rows where {{ same_key }})
{% endmacro %}
