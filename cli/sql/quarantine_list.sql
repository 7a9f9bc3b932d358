-- The newest bad events; $1: only this reason (NULL: any), $2: also those that operators have settled, $3: at most so many.
SELECT partition, stream_offset, reason, detail, source, event_id, event_type, subject, recorded_at, quarantined_at,
       how AS settled, author AS settled_by
  FROM quarantine
 WHERE reason <> '' AND ($1::text IS NULL OR reason = $1) AND ($2 OR how IS NULL)
 ORDER BY quarantined_at DESC, partition, stream_offset DESC
 LIMIT $3
