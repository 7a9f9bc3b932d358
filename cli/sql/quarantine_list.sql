-- The newest bad events; $1: only this reason (NULL: any), $2: at most so many.
SELECT partition, stream_offset, reason, detail, source, event_id, event_type, subject, recorded_at, quarantined_at
  FROM quarantine
 WHERE $1::text IS NULL OR reason = $1
 ORDER BY quarantined_at DESC, partition, stream_offset DESC
 LIMIT $2
