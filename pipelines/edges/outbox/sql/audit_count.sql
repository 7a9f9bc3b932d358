SELECT count(*) FROM event WHERE txid_visible_in_snapshot(xid, $1::text::txid_snapshot)
