INSERT INTO quarantine (partition, stream_offset, reason, detail, source, event_id, event_type, subject, body,
                        recorded_at)
SELECT q.* FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::text[], $9::bytea[], $10::timestamptz[]) AS q
