-- One partition's open orders, the newest first; the reader stops when it has enough.
SELECT order_id, partition, stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since,
       stage_recorded_at, revision, anomalies, last_offset, last_recorded_at
  FROM open_orders WHERE partition = $1 ORDER BY opened_at DESC
