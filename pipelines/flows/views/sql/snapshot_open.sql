-- The open orders of partition $1 that came last into each of the stages $2, as many as $3 says of it. A stage is walked
-- from the latest on, over the orders of all partitions, until it has so many.
SELECT o.order_no, o.order_id, o.partition, o.stage, o.holder, o.partner, o.customer_id, o.price_amount, o.price_currency,
       o.opened_at, o.stage_since, o.stage_recorded_at, o.revision, o.anomalies, o.last_offset, o.last_recorded_at,
       o.opened_by
  FROM unnest($2::text[], $3::bigint[]) AS lane (stage, orders)
 CROSS JOIN LATERAL (
       SELECT open_orders.*
         FROM stays JOIN open_orders USING (order_no)
        WHERE stays.stage = lane.stage AND open_orders.partition = $1
        ORDER BY stays.since DESC, stays.order_no DESC
        LIMIT lane.orders) AS o
