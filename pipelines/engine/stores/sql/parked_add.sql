INSERT INTO parked (order_no, stream_offset, partition, identity, reason, body, recorded_at)
SELECT p.* FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bytea[], $5::text[], $6::bytea[],
                       $7::timestamptz[]) AS p
