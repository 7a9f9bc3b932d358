-- All rows of a month's partition, in the sequence of the files.
SELECT order_no, stream_offset, recorded_at, event_time, revision, partition, identity, source, event_id, event_type,
       stage, holder, held_seconds, anomalies, trace_id, body
  FROM {table}
 ORDER BY order_no, stream_offset, recorded_at
