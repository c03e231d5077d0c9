{#
    Tables and views are brought up to date in place instead of being made anew under their name: whatever
    somebody has put on them stays, be it a view of their own, a right or a foreign key, and a table that did
    not change is not written. dbt's own materializations are used the first time, and when columns or the key
    change; what depends on the relation goes then.

    These take the place of dbt's `table`, `view` and `incremental` for Postgres.
#}

{# A table with a key: rows that are gone are deleted, those that differ updated, new ones inserted. #}
{% materialization table, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set key = key_columns() -%}
    {%- if existing_relation is none or not existing_relation.is_table or not key -%}
        {{ return(dbt.materialization_table_default()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set temp_relation = make_temp_relation(target_relation) -%}
    {%- set columns = columns_of_new_rows(temp_relation, target_relation) -%}
    {%- if not columns -%}
        {{ return(dbt.materialization_table_default()) }}
    {%- endif -%}
    {% call statement('main') -%}
        {{ rewrite_what_differs(target_relation, temp_relation, key, columns) }}
    {%- endcall %}
    {{ return(finished_in_place(target_relation)) }}
{% endmaterialization %}

{# A full refresh replaces all rows in place, in one transaction; anything else is dbt's own. #}
{% materialization incremental, adapter='postgres' %}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- if existing_relation is none or not existing_relation.is_table or not should_full_refresh() -%}
        {{ return(dbt.materialization_incremental_default()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set temp_relation = make_temp_relation(target_relation) -%}
    {%- set columns = columns_of_new_rows(temp_relation, target_relation) -%}
    {%- if not columns -%}
        {{ return(dbt.materialization_incremental_default()) }}
    {%- endif -%}
    {%- set names = get_quoted_csv(columns) -%}
    {% call statement('main') -%}
        delete from {{ target_relation }};
        insert into {{ target_relation }} ({{ names }}) select {{ names }} from {{ temp_relation }}
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
    {% do run_query(get_create_table_as_sql(True, temp_relation, sql)) %}
    {%- set columns = columns_of_both(temp_relation, target_relation) -%}
    {%- if not columns -%}
        {% do adapter.drop_relation(temp_relation) %}
    {%- endif -%}
    {{ return(columns) }}
{% endmacro %}

{# What every materialization ends with. #}
{% macro finished_in_place(relation) %}
    {% do persist_docs(relation, model) %}
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
    The names of the columns when both relations have the same, types included; else none. One query of the
    catalog for both: dbt asks the information schema, which takes ten times as long.
#}
{% macro columns_of_both(new_relation, old_relation) %}
    {% set query %}
        with columns_of as (
            select attrelid, attname, atttypid, atttypmod from pg_attribute
            where
                attrelid in ('{{ new_relation }}'::regclass, '{{ old_relation }}'::regclass)
                and attnum > 0
                and not attisdropped
        )

        select coalesce(new_columns.attname, old_columns.attname) as name,
            new_columns.attname is not null and old_columns.attname is not null as is_in_both
        from (select * from columns_of where attrelid = '{{ new_relation }}'::regclass) as new_columns
        full outer join (select * from columns_of where attrelid = '{{ old_relation }}'::regclass) as old_columns
            on new_columns.attname = old_columns.attname
            and new_columns.atttypid = old_columns.atttypid
            -- An expression without a cast has no scale of its own.
            and new_columns.atttypmod in (-1, old_columns.atttypmod)
    {% endset %}
    {%- set rows = run_query(query).rows -%}
    {{ return([] if rows | rejectattr('is_in_both') | list else rows | map(attribute='name') | list) }}
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
