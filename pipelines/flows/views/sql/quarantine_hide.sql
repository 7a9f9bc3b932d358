-- Those of the messages at the places ($1, $2) whose order is an erased customer's. By their places: there may be very many
-- others.
UPDATE quarantine AS q
   SET body = ''
  FROM unnest($1::smallint[], $2::bigint[]) AS new (partition, stream_offset), order_index AS i
 WHERE (q.partition, q.stream_offset) = (new.partition, new.stream_offset) AND i.order_id = q.subject
   AND EXISTS (SELECT FROM open_orders WHERE order_no = i.order_no AND customer_id = ''
                UNION ALL
               SELECT FROM closed_orders WHERE order_no = i.order_no AND customer_id = ''
                UNION ALL
               SELECT FROM archived_orders WHERE order_no = i.order_no AND customer_id = '')
