SELECT order_no, order_id FROM order_index WHERE order_no > $1 AND order_no <= $2
