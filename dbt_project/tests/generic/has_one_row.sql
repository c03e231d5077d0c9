{#- Exactly one row; none is wrong, too. -#}
{% test has_one_row(model) %}
select count(*) as row_count
from {{ model }}
having count(*) <> 1
{% endtest %}
