{#
    Descriptions as comments in the database, for readers and BI tools: `persist_docs`, in another way than dbt's.

    dbt writes them after every model, each time anew, in four statements. Here one statement at the end of the
    build (`write_comments`, on-run-end) writes those that are not there yet.
#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) %}{% endmacro %}

{# SQL for on-run-end: make the comments of what this build has made those of the project. #}
{% macro write_comments() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
    {%- set described = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id in selected_resources and node.config.persist_docs -%}
        {%- set relation = node.schema ~ '.' ~ node.name -%}
        {%- do described.append({'relation': relation, 'comment': node.description}) -%}
        {%- for column in node.columns.values() -%}
            {%- do described.append(
                {'relation': relation, 'column': column.name, 'comment': column.description}
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    do $write$
    declare
        wanted record;
    begin
        for wanted in
            select
                case
                    when described."column" is not null
                        then format('column %s.%I', described.relation, described."column")
                    when relations.relkind = 'v' then format('view %s', described.relation)
                    else format('table %s', described.relation)
                end as what,
                described.comment
            from
                json_to_recordset($described${{ tojson(described) }}$described$)
                as described (relation text, "column" text, comment text)
            inner join pg_class as relations
                on relations.oid = to_regclass(described.relation)
            -- Left: a comment on the relation itself has no column. What is described need not be there.
            left join pg_attribute as attributes
                on relations.oid = attributes.attrelid
                and described."column" = attributes.attname
                and not attributes.attisdropped
            where
                (described."column" is null or attributes.attnum is not null)
                and described.comment is distinct from coalesce(
                    case
                        when described."column" is null then obj_description(relations.oid, 'pg_class')
                        else col_description(relations.oid, attributes.attnum)
                    end,
                    ''
                )
        loop
            execute format('comment on %s is %L', wanted.what, wanted.comment);
        end loop;
    end
    $write$
    {%- endif -%}
{% endmacro %}
