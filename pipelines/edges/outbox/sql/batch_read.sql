-- The events of a batch once more, exactly those it was noted with.
SELECT array_agg(subject ORDER BY seq) AS subjects, array_agg(id ORDER BY seq) AS ids,
       array_agg(type ORDER BY seq) AS types, array_agg(body ORDER BY seq) AS bodies
  FROM (
    SELECT seq, subject, id, type, body
      FROM event
     WHERE xid = ANY (ARRAY(SELECT txid_snapshot_xip($1::text::txid_snapshot)))
       AND seq > $4 AND seq <= $5
       AND txid_visible_in_snapshot(xid, $2::text::txid_snapshot)
    UNION ALL
    SELECT seq, subject, id, type, body
      FROM event
     WHERE seq > greatest($3, $4) AND seq <= $5
       AND xid >= txid_snapshot_xmax($1::text::txid_snapshot)
       AND txid_visible_in_snapshot(xid, $2::text::txid_snapshot)
) AS again
