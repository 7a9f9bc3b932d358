SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset, kept_in,
       closed, customer_id = '' AS erased
  FROM (SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset,
               customer_id, 'open_orders' AS kept_in, false AS closed
          FROM open_orders
         UNION ALL
        SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset,
               customer_id, 'closed_orders' AS kept_in, true AS closed
          FROM closed_orders
         UNION ALL
        SELECT order_no, order_id, partition, stage, partner, price_amount, price_currency, revision, last_offset,
               customer_id, 'archived_orders' AS kept_in, true AS closed
          FROM archived_orders) AS each_table
 WHERE order_no > $1 AND order_no <= $2
