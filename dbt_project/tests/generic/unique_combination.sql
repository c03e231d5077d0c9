{#
    No two rows share the values of `columns`; null counts as a value.

    days: a calendar model; with it only the days that it says to rebuild are read, found by day_column.
#}
{% test unique_combination(model, columns, days=none, day_column='date_day') %}

select {{ columns | join(', ') }}
from {{ model }}
{% if days %}
where {{ is_in_days_to_rebuild(day_column, days) }}
{% endif %}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
