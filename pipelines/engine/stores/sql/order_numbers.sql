SELECT order_id, order_no FROM order_index WHERE order_id = ANY($1::text[])
