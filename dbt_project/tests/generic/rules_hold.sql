{#- Every named expression is true in every row; null fails. One reading of the relation for all of them. -#}
{% test rules_hold(model, rules) %}
select checked.rule_name, count(*) as rows_that_break_it
from {{ model }}
cross join lateral (
    values
    {% for name, expression in rules.items() -%}
    ('{{ name }}', ({{ expression }})){{ "," if not loop.last }}
    {% endfor %}
) as checked (rule_name, holds)
where checked.holds is not true
group by checked.rule_name
{% endtest %}
