-- A finished order like $3, with price $1; $2 tells them apart.
INSERT INTO closed_orders
SELECT (odd.made).*
  FROM (SELECT jsonb_populate_record(o, jsonb_build_object('order_no', o.order_no + 1000 + $2, 'price_amount', $1::text))
               AS made
          FROM closed_orders AS o
         WHERE order_id = $3 AND order_no < 1000) AS odd
