SELECT order_no, stream_offset, identity, body, recorded_at
  FROM parked
 WHERE order_no = ANY($1::bigint[])
 ORDER BY order_no, stream_offset
