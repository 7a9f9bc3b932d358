-- The next {limit} rows of a month's partition, in the sequence of the files, of those that are {behind}.
SELECT order_no, stream_offset, recorded_at, event_time, revision, partition, identity, source, event_id, event_type,
       stage, holder, held_seconds, anomalies, trace_id, body
  FROM {table}
 WHERE {behind}
 ORDER BY order_no, stream_offset, recorded_at
 LIMIT {limit}
