UPDATE closed_orders o
   SET stage = n.stage, holder = n.holder, partner = n.partner, customer_id = n.customer_id,
       price_amount = n.price_amount, price_currency = n.price_currency,
       stage_since = n.stage_since, stage_recorded_at = n.stage_recorded_at,
       revision = n.revision, anomalies = n.anomalies, last_offset = n.last_offset, last_recorded_at = n.last_recorded_at
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::text[],
              $8::timestamptz[], $9::timestamptz[], $10::int[], $11::int[], $12::bigint[], $13::timestamptz[])
       AS n (order_no, stage, holder, partner, customer_id, price_amount, price_currency, stage_since,
             stage_recorded_at, revision, anomalies, last_offset, last_recorded_at)
 WHERE o.order_no = n.order_no
