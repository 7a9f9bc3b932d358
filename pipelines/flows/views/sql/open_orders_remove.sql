DELETE FROM open_orders WHERE order_no = ANY($1::bigint[])
