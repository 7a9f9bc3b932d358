SELECT p.order_no, i.order_id, p.body FROM parked AS p JOIN order_index AS i USING (order_no)
