-- What is read a second time, after a checkpoint was set back, is there already.
INSERT INTO quarantine (partition, stream_offset, reason, detail, source, event_id, event_type, subject, body,
                        recorded_at)
SELECT q.* FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::text[], $9::bytea[], $10::timestamptz[]) AS q
    ON CONFLICT (partition, stream_offset) DO UPDATE
   SET reason = excluded.reason, detail = excluded.detail, source = excluded.source, event_id = excluded.event_id,
       event_type = excluded.event_type, subject = excluded.subject, body = excluded.body,
       recorded_at = excluded.recorded_at
