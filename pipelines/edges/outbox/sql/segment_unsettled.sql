-- Whether a segment holds anything that was not looked at.
SELECT EXISTS (SELECT FROM event WHERE segment = $2 AND NOT txid_visible_in_snapshot(xid, $1::text::txid_snapshot))
