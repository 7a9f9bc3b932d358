-- The $2 newest orders of each stage in $1, open or finished. Asked where the hot cache is away: each (partition, stage)
-- that has orders is a walk down an index, newest first, until enough were met.
WITH lanes AS (
    SELECT partition, stage FROM counts WHERE stage = ANY($1::text[]) GROUP BY partition, stage HAVING sum(orders) > 0
), newest AS (
    SELECT found.*
      FROM lanes CROSS JOIN LATERAL (
          SELECT order_id, stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since,
                 revision, anomalies, last_offset, last_recorded_at, partition
            FROM open_orders
           WHERE partition = lanes.partition AND stage = lanes.stage
           ORDER BY opened_at DESC, order_no
           LIMIT $2
      ) AS found
     WHERE lanes.stage NOT IN ('closed', 'cancelled')
    UNION ALL
    SELECT found.*
      FROM lanes CROSS JOIN LATERAL (
          SELECT order_id, stage, holder, partner, customer_id, price_amount, price_currency, opened_at, stage_since,
                 revision, anomalies, last_offset, last_recorded_at, partition
            FROM closed_orders
           WHERE partition = lanes.partition AND stage = lanes.stage
           ORDER BY opened_at DESC, order_no
           LIMIT $2
      ) AS found
     WHERE lanes.stage IN ('closed', 'cancelled')
), placed AS (
    SELECT newest.*,
           row_number() OVER (PARTITION BY stage ORDER BY opened_at DESC, order_id COLLATE "C" DESC) AS place
      FROM newest
)
SELECT * FROM placed WHERE place <= $2 ORDER BY stage, place;
