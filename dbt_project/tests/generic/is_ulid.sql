{#
    Every value is a ULID: 26 characters of Crockford's base 32 (no I, L, O, U), the first one 0 to 7.
    Null passes.

    days: a calendar model; with it only the days that it says to rebuild are read, found by day_column.
#}
{% test is_ulid(model, column_name, days=none, day_column='date_day') %}

select {{ column_name }}
from {{ model }}
where
    -- Two conditions: a counted repetition in the expression is six times slower.
    (length({{ column_name }}) <> 26 or {{ column_name }} !~ '^[0-7][0-9A-HJKMNP-TV-Z]+$')
    {% if days %}
    and {{ is_in_days_to_rebuild(day_column, days) }}
    {% endif %}

{% endtest %}
