{#
    No two rows share the values of `columns`; null counts as a value.

    days: a calendar model; with it only the days that it says to rebuild are read.
#}
{% test unique_combination(model, columns, days=none) %}

select {{ columns | join(', ') }}
from {{ model }}
{% if days %}
where {{ is_in_days_to_rebuild('date_day', days) }}
{% endif %}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
