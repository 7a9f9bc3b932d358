-- The orders of one partition that ended last in one way, also where their month has left to the archive: the lane has to
-- be as long as the counts say.
SELECT order_no, order_id, partition, stage, holder, partner, customer_id, price_amount, price_currency, opened_at,
       stage_since, stage_recorded_at, revision, anomalies, last_offset, last_recorded_at, opened_by
  FROM (SELECT * FROM closed_orders
         UNION ALL
        SELECT * FROM archived_orders) AS either
 WHERE partition = $1 AND stage = $2 ORDER BY stage_since DESC, order_no DESC LIMIT $3
