-- Every event of order number $1, in stream order.
SELECT source, event_id, event_type, event_time, recorded_at, partition, stream_offset, trace_id, stage, holder,
       held_seconds, anomalies, revision
  FROM timeline
 WHERE order_no = $1
 ORDER BY stream_offset;
