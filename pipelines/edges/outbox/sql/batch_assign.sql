-- The next piece of a window: note it, for good, and return its events. Nothing is written where there are none.
-- Transactions that the last window's snapshot lists as running may have written anywhere, others above the floor.
WITH seen AS MATERIALIZED (
    -- Read after this statement's snapshot was taken: whatever it sees lies at or below.
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END AS last_seq FROM event_seq
), candidate AS MATERIALIZED (
    SELECT * FROM (
        (SELECT seq, subject, id, type, body
           FROM event
          WHERE xid = ANY (ARRAY(SELECT txid_snapshot_xip($2::text::txid_snapshot)))
            AND seq > $6
            AND txid_visible_in_snapshot(xid, coalesce($3::text::txid_snapshot, txid_current_snapshot()))
          ORDER BY seq
          LIMIT $9)
        UNION ALL
        (SELECT seq, subject, id, type, body
           FROM event
          WHERE seq > greatest($4, $6)
            AND seq <= coalesce($5, (SELECT last_seq FROM seen))
            AND xid >= txid_snapshot_xmax($2::text::txid_snapshot)
            AND txid_visible_in_snapshot(xid, coalesce($3::text::txid_snapshot, txid_current_snapshot()))
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
    SELECT $1, $2::text::txid_snapshot, coalesce($3::text::txid_snapshot, txid_current_snapshot()), $4,
           coalesce($5, (SELECT last_seq FROM seen)), $7, $6, max(seq),
           count(*) < $9 AND count(*) = (SELECT count(*) FROM candidate), count(*), $8
      FROM kept
    HAVING count(*) > 0
    RETURNING to_snapshot, ceiling, last_seq, complete
), settled AS (
    DELETE FROM batch WHERE number BETWEEN $11 AND $12 AND EXISTS (SELECT FROM noted)
)
SELECT seen.last_seq AS sequence, noted.to_snapshot::text, noted.ceiling, noted.last_seq, noted.complete,
       (SELECT array_agg(subject ORDER BY seq) FROM kept) AS subjects,
       (SELECT array_agg(id ORDER BY seq) FROM kept) AS ids,
       (SELECT array_agg(type ORDER BY seq) FROM kept) AS types,
       (SELECT array_agg(body ORDER BY seq) FROM kept) AS bodies
  FROM seen LEFT JOIN noted ON true
