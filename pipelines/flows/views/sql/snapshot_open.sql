-- The newest open orders of partition $1 in each of the stages $2, as many as $3 says of it. A stage is walked from the
-- newest order on, over the entries of all partitions in the index, until it has so many.
SELECT o.order_id, o.partition, o.stage, o.holder, o.partner, o.customer_id, o.price_amount, o.price_currency,
       o.opened_at, o.stage_since, o.stage_recorded_at, o.revision, o.anomalies, o.last_offset, o.last_recorded_at,
       o.opened_by
  FROM unnest($2::text[], $3::bigint[]) AS lane (stage, orders)
 CROSS JOIN LATERAL (
       SELECT order_no FROM stays
        WHERE partition = $1 AND stage = lane.stage
        ORDER BY opened_at DESC, order_no DESC
        LIMIT lane.orders) AS newest
  JOIN open_orders AS o USING (order_no)
