SELECT order_no FROM open_orders WHERE customer_id = $1
 UNION
SELECT order_no FROM closed_orders WHERE customer_id = $1
 UNION
SELECT order_no FROM archived_orders WHERE customer_id = $1
