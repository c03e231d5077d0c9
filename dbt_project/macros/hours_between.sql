{#
    Whole UTC hours that begin in [starts_at, ends_at), as an integer. Right for bounds that are not on the
    hour, as midnight of some time zones is.
#}
{% macro hours_between(starts_at, ends_at) -%}
    (
        ceil(extract(epoch from {{ ends_at }}) / 3600)
        - ceil(extract(epoch from {{ starts_at }}) / 3600)
    )::integer
{%- endmacro %}
