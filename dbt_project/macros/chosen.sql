{#
    The value of a variable of dbt_project.yml; one that is not among those that it may have stops the build.

    name: of the variable. among: its values.
#}
{% macro chosen(name, among) -%}
    {%- if var(name) not in among -%}
        {{ exceptions.raise_compiler_error(
            "the variable " ~ name ~ " is '" ~ var(name) ~ "': make it " ~ among | join(' or ')
            ~ ' in dbt_project.yml'
        ) }}
    {%- endif -%}
    {{ return(var(name)) }}
{%- endmacro %}

{% macro worker_allocation_by() -%}
    {{ return(chosen('worker_allocation_by', among=['worker_hours', 'coincident_peak'])) }}
{%- endmacro %}

{% macro idle_cost() -%}
    {{ return(chosen('idle_cost', among=['separate', 'spread'])) }}
{%- endmacro %}
