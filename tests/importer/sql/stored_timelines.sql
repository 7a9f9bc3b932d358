SELECT i.order_id, t.event_id, t.source, t.event_time, t.stage, t.held_seconds, t.anomalies
  FROM timeline t JOIN order_index i USING (order_no)
 ORDER BY i.order_id, t.stream_offset
