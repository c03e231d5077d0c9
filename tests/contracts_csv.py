"""The header line of a contracts file, every column in its order."""

CONTRACTS_HEADER = (
    "contract_id,account,valid_from,valid_to,currency,anchor_day,timezone,worker_metric,worker_percentile,"
    "committed_workers,worker_unit_price,worker_overage_unit_price,private_minutes_included,"
    "private_minutes_unit_price,private_minutes_overage_unit_price,public_minutes_included,"
    "public_minutes_unit_price,public_minutes_overage_unit_price,seats_included,seats_used,seat_unit_price,"
    "base_fee,paid_via"
)
