SELECT o.order_id, o.partition, e.stream_offset, e.source, e.event_id
  FROM orders o
  JOIN events e ON e.number = o.number
 WHERE NOT EXISTS (SELECT 1 FROM visited v WHERE v.order_id = o.order_id)
 ORDER BY o.number, e.stream_offset
