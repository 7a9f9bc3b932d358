SELECT partition, stream_offset, reason, why, order_id, event_id, body, customers
  FROM rejected
 WHERE (partition, stream_offset) > (?, ?) AND (partition, stream_offset) <= (?, ?)
 ORDER BY partition, stream_offset
