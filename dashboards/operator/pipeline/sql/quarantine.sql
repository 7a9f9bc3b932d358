-- The $1 newest messages in quarantine that wait for somebody to look at them.
SELECT partition, stream_offset, reason, detail, source, event_type, subject, recorded_at
  FROM quarantine
 WHERE how IS NULL AND reason <> ''
 ORDER BY quarantined_at DESC, partition, stream_offset DESC
 LIMIT $1;
