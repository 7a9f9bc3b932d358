-- The next piece of a window: note it, for good, and return its events. Nothing is written where there are none.
-- Transactions that the last window's snapshot lists as running may have written anywhere, others above the floor.
WITH edge AS MATERIALIZED (
    -- The sequence is read after this statement's snapshot was taken: whatever that sees lies at or below.
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS last_seq,
           coalesce($3::text::txid_snapshot, txid_current_snapshot()) AS snapshot
      FROM event_seq
), candidate AS MATERIALIZED (
    SELECT * FROM (
        (SELECT theirs.*
           FROM txid_snapshot_xip($2::text::txid_snapshot) AS running (xid)
          CROSS JOIN LATERAL
                (SELECT seq, subject, id, type, body
                   FROM event
                  WHERE event.xid = running.xid
                    AND seq > $6
                    AND txid_visible_in_snapshot(event.xid, (SELECT snapshot FROM edge))
                  ORDER BY seq
                  LIMIT $9) AS theirs
          ORDER BY seq
          LIMIT $9)
        UNION ALL
        (SELECT seq, subject, id, type, body
           FROM event
          WHERE seq > greatest($4, $6)
            AND seq <= coalesce($5, (SELECT last_seq FROM edge))
            AND xid >= txid_snapshot_xmax($2::text::txid_snapshot)
            AND txid_visible_in_snapshot(xid, (SELECT snapshot FROM edge))
          ORDER BY seq
          LIMIT $9)
    ) AS both_kinds
    ORDER BY seq
    LIMIT $9
), kept AS MATERIALIZED (
    SELECT *
      FROM (SELECT *, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS bytes_before
              FROM candidate) AS measured
     WHERE bytes_before < $10
), noted AS (
    INSERT INTO batch (number, from_snapshot, to_snapshot, floor, ceiling, next_floor, after_seq, last_seq, complete,
                       events, first_ids)
    SELECT $1, $2::text::txid_snapshot, (SELECT snapshot FROM edge), $4,
           coalesce($5, (SELECT last_seq FROM edge)), $7, $6, max(seq),
           count(*) < $9 AND count(*) = (SELECT count(*) FROM candidate), count(*), $8
      FROM kept
    HAVING count(*) > 0
    RETURNING to_snapshot, ceiling, last_seq, complete
), settled AS (
    DELETE FROM batch WHERE number BETWEEN $11 AND $12 AND EXISTS (SELECT FROM noted)
)
SELECT edge.last_seq AS sequence, noted.to_snapshot::text, noted.ceiling, noted.last_seq, noted.complete,
       (SELECT array_agg(subject ORDER BY seq) FROM kept) AS subjects,
       (SELECT array_agg(id ORDER BY seq) FROM kept) AS ids,
       (SELECT array_agg(type ORDER BY seq) FROM kept) AS types,
       (SELECT array_agg(body ORDER BY seq) FROM kept) AS bodies
  FROM edge LEFT JOIN noted ON true
