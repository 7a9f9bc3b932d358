-- Nothing an index bears is among it, so rows stay on their page (HOT).
UPDATE open_orders o
   SET stage = n.stage, holder = n.holder, partner = n.partner, customer_id = n.customer_id,
       price_amount = n.price_amount, price_currency = n.price_currency,
       stage_since = n.stage_since, stage_recorded_at = n.stage_recorded_at, revision = n.revision,
       anomalies = n.anomalies, last_offset = n.last_offset, last_recorded_at = n.last_recorded_at
  FROM unnest($1::order_row[]) AS n
 WHERE o.order_no = n.order_no
