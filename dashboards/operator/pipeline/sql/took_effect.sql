-- Whether order $1 has an event of this identity.
SELECT EXISTS (SELECT FROM order_index JOIN ledger USING (order_no) WHERE order_id = $1 AND identity = $2);
