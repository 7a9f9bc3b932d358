-- The $2 newest orders of each stage in $1, open or finished, each a walk down an index until it has so many. Asked where
-- the hot cache is away.
WITH newest AS (
    SELECT lane.stage, found.*
      FROM unnest($1::text[]) AS lane (stage) CROSS JOIN LATERAL (
          SELECT o.order_id, o.holder, o.partner, o.customer_id, o.price_amount, o.price_currency, o.opened_at,
                 o.stage_since, o.revision, o.anomalies, o.last_offset, o.last_recorded_at, o.partition, o.opened_by
            FROM (SELECT order_no FROM stays
                   WHERE stays.stage = lane.stage
                   ORDER BY opened_at DESC, order_no DESC
                   LIMIT $2) AS first
            JOIN open_orders AS o USING (order_no)
      ) AS found
     WHERE lane.stage NOT IN ('closed', 'cancelled')
    UNION ALL
    SELECT lane.stage, found.*
      FROM unnest($1::text[]) AS lane (stage) CROSS JOIN LATERAL (
          SELECT order_id, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since,
                 revision, anomalies, last_offset, last_recorded_at, partition, opened_by
            FROM closed_orders
           WHERE closed_orders.stage = lane.stage
           ORDER BY opened_at DESC, order_no DESC
           LIMIT $2
      ) AS found
     WHERE lane.stage IN ('closed', 'cancelled')
)
SELECT *, row_number() OVER (PARTITION BY stage ORDER BY opened_at DESC, order_id COLLATE "C" DESC) AS place
  FROM newest
 ORDER BY stage, place;
