-- The order ids that begin with $1: those between it and $2.
SELECT order_id FROM order_index WHERE order_id >= $1 AND order_id < $2 ORDER BY order_id LIMIT $3
