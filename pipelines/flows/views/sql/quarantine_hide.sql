-- Messages of those of the orders $1 that are an erased customer's.
UPDATE quarantine AS q
   SET body = ''
  FROM order_index AS i
 WHERE q.subject = ANY($1::text[]) AND i.order_id = q.subject AND q.body <> ''
   AND EXISTS (SELECT FROM open_orders WHERE order_no = i.order_no AND customer_id = ''
                UNION ALL
               SELECT FROM closed_orders WHERE order_no = i.order_no AND customer_id = ''
                UNION ALL
               SELECT FROM archived_orders WHERE order_no = i.order_no AND customer_id = '')
