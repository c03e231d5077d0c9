{#
    The creation time in a ULID: its first 10 characters are milliseconds since 1970 in Crockford's base 32.
    Source: github.com/ulid/spec.

    ulid: SQL expression of a 26-character ULID in upper case, or null.
    Gives a timestamptz with milliseconds; null for null.
#}
{% macro ulid_created_at(ulid) -%}
    to_timestamp((
        {%- for position in range(1, 11) %}
        (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr({{ ulid }}, {{ position }}, 1)) - 1)::numeric
        * {{ 32 ** (10 - position) }}{{ ' +' if not loop.last }}
        {%- endfor %}
    ) / 1000)
{%- endmacro %}
