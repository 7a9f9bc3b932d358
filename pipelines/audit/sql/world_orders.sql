SELECT order_id, number, stage, partner, amount, currency
  FROM orders
 WHERE order_id IN (SELECT value FROM json_each(?))
