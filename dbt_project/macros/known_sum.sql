{#
    SQL: the sum of an amount over the rows of a group, null as soon as one of them is not known: a part of a sum
    is another figure.

    rows: a condition; only such rows are added up. if_none: the sum of no rows.
#}
{% macro known_sum(amount, rows='true', if_none='null') -%}
    case
        when count(*) filter (where {{ rows }}) = count({{ amount }}) filter (where {{ rows }})
            then coalesce(sum({{ amount }}) filter (where {{ rows }}), {{ if_none }})
    end
{%- endmacro %}
