UPDATE {table} SET customer_id = '' WHERE order_no = ANY($1::bigint[]) AND customer_id IS DISTINCT FROM ''
