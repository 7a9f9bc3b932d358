-- Transaction numbers mean nothing in another database: give what is in no batch a number of this one, and let the
-- next window begin with it. Events written since the move lie above the last window's ceiling.
WITH newest AS (
    SELECT * FROM batch ORDER BY number DESC LIMIT 1
), renumbered AS (
    UPDATE event e
       SET xid = txid_current()
      FROM newest n
     WHERE e.seq > n.ceiling
        OR NOT txid_visible_in_snapshot(e.xid, n.to_snapshot)
        OR (NOT n.complete AND e.seq > n.last_seq AND NOT txid_visible_in_snapshot(e.xid, n.from_snapshot))
    RETURNING e.seq
), here AS (
    SELECT format('%s:%s:', txid_current(), txid_current())::txid_snapshot AS snapshot,
           coalesce((SELECT min(seq) - 1 FROM renumbered), (SELECT last_value FROM event_seq)) AS floor
)
INSERT INTO batch (number, from_snapshot, to_snapshot, floor, ceiling, next_floor, after_seq, last_seq, complete,
                   events, first_ids)
SELECT n.number + 1, h.snapshot, h.snapshot, 0, 0, h.floor, 0, 0, true, 0, n.first_ids
  FROM newest n, here h
