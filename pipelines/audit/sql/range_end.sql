-- The $2-th order after $1; no row where fewer are left.
SELECT order_no FROM order_index WHERE order_no > $1 ORDER BY order_no OFFSET $2 - 1 LIMIT 1
