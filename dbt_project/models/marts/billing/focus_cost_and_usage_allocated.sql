{{ config(materialized='view') }}

{{ focus_relation(charges='int_focus_charges_allocated') }}
