INSERT INTO order_items (item_id, order_no)
SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT DO NOTHING
