{#
    The expression is true in every row; null fails.

    days: a calendar model; with it only the days that it says to rebuild are read.
#}
{% test is_true(model, expression, days=none, column_name=none) %}

select *
from {{ model }}
where
    ({{ expression }}) is not true
    {% if days %}
    and {{ is_in_days_to_rebuild('date_day', days) }}
    {% endif %}

{% endtest %}
