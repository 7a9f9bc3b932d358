-- Transaction numbers mean nothing in another database: what is not confirmed gets a number of this one, all else one
-- that every snapshot sees, and the next window begins below whatever runs now. Events written since the move lie above
-- the last window's ceiling. Batches that are not confirmed are noted anew.
WITH newest AS (
    DELETE FROM batch RETURNING number, ceiling, first_ids
), last AS (
    SELECT max(number) AS number, max(ceiling) AS ceiling, max(first_ids) AS first_ids FROM newest
), renumbered AS (
    UPDATE event e
       SET xid = CASE WHEN last.number IS NULL OR e.seq > last.ceiling OR p.seq IS NOT NULL THEN txid_current() ELSE 3 END
      FROM last, event AS same LEFT JOIN pending p USING (seq)
     WHERE e.seq = same.seq AND e.segment = same.segment
    RETURNING e.seq, e.xid
), here AS (
    SELECT format('%1$s:%1$s:', txid_snapshot_xmin(txid_current_snapshot()))::txid_snapshot AS snapshot
)
INSERT INTO batch (number, from_snapshot, to_snapshot, floor, ceiling, next_floor, after_seq, last_seq, complete,
                   events, first_ids)
SELECT last.number + 1, here.snapshot, here.snapshot, 0, 0,
       least(last.ceiling, (SELECT min(seq) - 1 FROM renumbered WHERE xid <> 3)), 0, 0, true, 0, last.first_ids
  FROM last, here
 WHERE last.number IS NOT NULL
