INSERT INTO order_index (order_id, opened_at)
SELECT * FROM unnest($1::text[], $2::timestamptz[])
RETURNING order_id, order_no
