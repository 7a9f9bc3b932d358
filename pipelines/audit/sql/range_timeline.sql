SELECT order_no, stream_offset, identity, partition, recorded_at, source, event_id, event_type, event_time, trace_id,
       stage, revision, substr(sha256(body), 1, 8) AS body
  FROM timeline
 WHERE order_no > $1 AND order_no <= $2
 ORDER BY order_no, stream_offset, recorded_at
