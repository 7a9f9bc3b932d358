SELECT DISTINCT event_id FROM quarantine WHERE source = $1 AND event_id = ANY ($2::text[])
