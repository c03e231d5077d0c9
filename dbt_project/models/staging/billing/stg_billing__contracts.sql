with

contracts as (

    select * from {{ source('raw', 'contracts') }}

),

renamed as (

    select
        ---------- ids
        contract_id,
        account,

        ---------- text
        currency,
        timezone as time_zone,
        worker_metric,
        paid_via,

        ---------- numerics
        anchor_day,
        worker_percentile,
        committed_workers,
        worker_unit_price::numeric(18, 6) as worker_unit_price,
        worker_overage_unit_price::numeric(18, 6) as worker_overage_unit_price,
        private_minutes_included::numeric(18, 6) as private_minutes_included,
        private_minutes_unit_price::numeric(18, 6) as private_minutes_unit_price,
        private_minutes_overage_unit_price::numeric(18, 6) as private_minutes_overage_unit_price,
        public_minutes_included::numeric(18, 6) as public_minutes_included,
        public_minutes_unit_price::numeric(18, 6) as public_minutes_unit_price,
        public_minutes_overage_unit_price::numeric(18, 6) as public_minutes_overage_unit_price,
        seats_included,
        seats_used,
        seat_unit_price::numeric(18, 6) as seat_unit_price,
        base_fee::numeric(18, 6) as base_fee,

        ---------- dates and times
        valid_from,
        valid_to

    from contracts

)

select * from renamed
