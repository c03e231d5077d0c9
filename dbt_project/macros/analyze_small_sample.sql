{#
    A post-hook for incremental tables that are read right after they changed: new periods and days lie beyond what
    Postgres knows of them, and a plan that takes them for empty can be a thousand times slower. 3,000 rows are
    enough for that; the usual 30,000 took a fifth of what an open period's tables take to build.
#}
{% macro analyze_small_sample() -%}
    set local default_statistics_target = 10; analyze {{ this }}
{%- endmacro %}
