-- The message in quarantine at offset $2 of partition $1, and what was done about it.
SELECT q.partition, q.stream_offset, q.reason, q.detail, q.source, q.event_id, q.event_type, q.subject, q.recorded_at,
       q.body, q.how, q.author, q.settled_at, q.by_offset, i.order_id AS by_order
  FROM quarantine q
  LEFT JOIN order_index i USING (order_no)
 WHERE q.partition = $1 AND q.stream_offset = $2 AND q.reason <> '';
