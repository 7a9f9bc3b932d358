-- The $2 newest orders of each stage in $1, open or finished. Each (partition, stage) is a short walk down its index.
WITH lanes AS (
    SELECT checkpoint.partition, wanted.stage
      FROM checkpoint CROSS JOIN unnest($1::text[]) AS wanted (stage)
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
), placed AS (
    SELECT newest.*,
           row_number() OVER (PARTITION BY stage ORDER BY opened_at DESC, order_id COLLATE "C" DESC) AS place
      FROM newest
)
SELECT * FROM placed WHERE place <= $2 ORDER BY stage, place;
