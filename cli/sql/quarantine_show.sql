SELECT partition, stream_offset, reason, detail, source, event_id, event_type, subject, recorded_at, quarantined_at,
       how AS settled, author AS settled_by, body
  FROM quarantine
 WHERE partition = $1 AND stream_offset = $2 AND reason <> ''
