-- Compare and set: nothing is entered unless this epoch still owns the partition and stands where the batch begins (I5).
WITH moved AS (
    UPDATE checkpoint
       SET next_offset = $4,
           recorded_at = $5,
           committed_at = clock_timestamp(),
           applied = applied + $6,
           duplicates = duplicates + $7,
           quarantined = quarantined + $8,
           parked = parked + $9
     WHERE partition = $1 AND epoch = $2 AND next_offset = $3
    RETURNING true AS ours
), opened AS (
    INSERT INTO order_index (order_id, order_no, opened_at) OVERRIDING SYSTEM VALUE
    SELECT o.* FROM moved, unnest($10::text[], $11::bigint[], $12::timestamptz[]) AS o
), entered AS (
    INSERT INTO ledger (order_no, identity, content, partition, stream_offset, parked)
    SELECT e.* FROM moved, unnest($13::ledger_row[]) AS e
)
SELECT ours FROM moved
