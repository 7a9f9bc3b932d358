SELECT line FROM met WHERE order_id = ?
