-- What several events settle was settled by the first of them, whichever partition is read first. A row that is not there
-- yet is made: what the message was comes when its partition is read.
INSERT INTO quarantine AS q (partition, stream_offset, reason, detail, body, recorded_at, how, author, order_no, by_offset,
                             settled_at)
SELECT s.partition, s.stream_offset, '', '', '', s.settled_at, s.how, s.author, s.order_no, s.by_offset, s.settled_at
  FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[])
       AS s (partition, stream_offset, how, author, order_no, by_offset, settled_at)
    ON CONFLICT (partition, stream_offset) DO UPDATE
   SET how = excluded.how, author = excluded.author, order_no = excluded.order_no, by_offset = excluded.by_offset,
       settled_at = excluded.settled_at
 WHERE q.how IS NULL
    OR (excluded.settled_at, excluded.by_offset, excluded.author) < (q.settled_at, q.by_offset, q.author)
