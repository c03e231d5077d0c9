{#- No value missing in any of these columns: one reading of the relation for all of them. -#}
{% test no_nulls(model, columns) %}
select checked.column_name, count(*) as rows_without_value
from {{ model }}
cross join lateral (
    values
    {% for column in columns -%}
    ('{{ column }}', {{ column }} is null){{ "," if not loop.last }}
    {% endfor %}
) as checked (column_name, is_missing)
where checked.is_missing
group by checked.column_name
{% endtest %}
