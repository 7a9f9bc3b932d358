-- One order as it stands. Its stage is NULL where all its events so far are parked; no row: never heard of it.
SELECT known.order_no, known.order_id, state.stage, state.holder, state.partner, state.customer_id,
       state.price_amount, state.price_currency, state.opened_at, state.stage_since, state.revision, state.anomalies,
       state.last_offset, state.last_recorded_at, state.partition, state.opened_by, state.closed_at
  FROM order_index AS known
  LEFT JOIN LATERAL (
      SELECT stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since, revision,
             anomalies, last_offset, last_recorded_at, partition, opened_by,
             NULL::timestamptz AS closed_at
        FROM open_orders
       WHERE open_orders.order_no = known.order_no
      UNION ALL
      SELECT stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since, revision,
             anomalies, last_offset, last_recorded_at, partition, opened_by, closed_at
        FROM closed_orders
       WHERE closed_orders.order_no = known.order_no
      UNION ALL
      SELECT stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since, revision,
             anomalies, last_offset, last_recorded_at, partition, opened_by, closed_at
        FROM archived_orders
       WHERE archived_orders.order_no = known.order_no
  ) AS state ON true
 WHERE known.order_id = $1;
