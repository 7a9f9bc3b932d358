SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset, closed
  FROM (SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset,
               false AS closed
          FROM open_orders
         UNION ALL
        SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset,
               true
          FROM closed_orders) AS either
 WHERE order_no > $1 AND order_no <= $2
