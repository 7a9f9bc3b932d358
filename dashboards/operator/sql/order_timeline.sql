-- Every event of order number $1, in stream order. What is very long is not for a line of the page.
SELECT source, event_id, event_type, event_time, recorded_at, partition, stream_offset, trace_id, stage, holder,
       held_seconds, anomalies, revision, CASE WHEN length(body) <= 16384 THEN body END AS body
  FROM timeline
 WHERE order_no = $1
 ORDER BY stream_offset;
