{#
    The expression is true in every row; null fails.

    days: a calendar model; with it only the days that it says to rebuild are read, found by day_column.
#}
{% test is_true(model, expression, days=none, day_column='date_day', column_name=none) %}

select *
from {{ model }}
where
    ({{ expression }}) is not true
    {% if days %}
    and {{ is_in_days_to_rebuild(day_column, days) }}
    {% endif %}

{% endtest %}
