-- The events of order number $1 that wait, parked, in stream order.
SELECT partition, stream_offset, reason, recorded_at, parked_at
  FROM parked
 WHERE order_no = $1
 ORDER BY stream_offset;
