-- The orders of one partition that ended last in one way.
SELECT order_id, partition, stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since,
       stage_recorded_at, revision, anomalies, last_offset, last_recorded_at, opened_by
  FROM closed_orders WHERE partition = $1 AND stage = $2 ORDER BY stage_since DESC, order_no DESC LIMIT $3
