SELECT partition, stream_offset, body FROM quarantine WHERE position('"customer_id"'::bytea IN body) > 0
