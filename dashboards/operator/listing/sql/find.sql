-- What word $1 is.
SELECT EXISTS (SELECT FROM order_index WHERE order_id = $1) AS "order",
       EXISTS (SELECT FROM open_orders WHERE customer_id = $1)
           OR EXISTS (SELECT FROM closed_orders WHERE customer_id = $1) AS customer,
       EXISTS (SELECT FROM counts WHERE partner = $1 AND partner <> '' AND orders > 0) AS partner,
       EXISTS (SELECT FROM order_items WHERE item_id = $1) AS item
