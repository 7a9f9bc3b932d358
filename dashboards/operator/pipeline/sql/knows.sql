SELECT EXISTS (SELECT FROM order_index WHERE order_id = $1);
