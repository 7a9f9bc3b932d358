-- As closed_orders_change: the order stands in one of both, and its month may have left since it was loaded.
UPDATE archived_orders o
   SET holder = n.holder, partner = n.partner, customer_id = n.customer_id,
       price_amount = n.price_amount, price_currency = n.price_currency, revision = n.revision,
       anomalies = n.anomalies, last_offset = n.last_offset, last_recorded_at = n.last_recorded_at
  FROM unnest($1::order_row[]) AS n
 WHERE o.order_no = n.order_no AND o.closed_at = n.stage_recorded_at
