SELECT o.order_id, e.source, e.event_id
  FROM events e
  JOIN orders o ON o.number = e.number
 WHERE e.stream_offset = ? AND o.partition = ?
