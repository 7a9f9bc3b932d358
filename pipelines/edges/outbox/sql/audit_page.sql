SELECT seq, segment, subject, id, type, body
  FROM event
 WHERE seq > $2 AND txid_visible_in_snapshot(xid, $1::text::txid_snapshot)
 ORDER BY seq
 LIMIT $3
