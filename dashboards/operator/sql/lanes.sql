-- The $2 orders that came last into each stage in $1, open or finished, each a walk down an index until it has so many.
-- Asked where the hot cache is away.
WITH latest AS (
    SELECT found.*
      FROM unnest($1::text[]) AS lane (stage) CROSS JOIN LATERAL (
          SELECT o.stage, o.order_id, o.holder, o.partner, o.customer_id, o.price_amount, o.price_currency,
                 o.opened_at, o.stage_since, o.revision, o.anomalies, o.last_offset, o.last_recorded_at, o.partition,
                 o.opened_by
            FROM stays JOIN open_orders AS o USING (order_no)
           WHERE stays.stage = lane.stage
           ORDER BY stays.since DESC, stays.order_no DESC
           LIMIT $2
      ) AS found
     WHERE lane.stage NOT IN ('closed', 'cancelled')
    UNION ALL
    SELECT found.*
      FROM unnest($1::text[]) AS lane (stage) CROSS JOIN LATERAL (
          SELECT stage, order_id, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since,
                 revision, anomalies, last_offset, last_recorded_at, partition, opened_by
            FROM (SELECT * FROM closed_orders UNION ALL SELECT * FROM archived_orders) AS ended
           WHERE ended.stage = lane.stage
           ORDER BY stage_since DESC, order_no DESC
           LIMIT $2
      ) AS found
     WHERE lane.stage IN ('closed', 'cancelled')
)
SELECT *, row_number() OVER (PARTITION BY stage ORDER BY stage_since DESC, order_id COLLATE "C" DESC) AS place
  FROM latest
 ORDER BY stage, place;
