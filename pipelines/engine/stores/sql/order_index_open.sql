INSERT INTO order_index (order_id, order_no, opened_at) OVERRIDING SYSTEM VALUE
SELECT o.* FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS o
