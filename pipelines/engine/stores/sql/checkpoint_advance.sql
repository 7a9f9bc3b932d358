-- Compare and set: no row moves unless this epoch still owns the partition and stands where the batch begins (I5).
UPDATE checkpoint
   SET next_offset = $4,
       recorded_at = $5,
       committed_at = clock_timestamp(),
       applied = applied + $6,
       duplicates = duplicates + $7,
       quarantined = quarantined + $8,
       parked = parked + $9
 WHERE partition = $1 AND epoch = $2 AND next_offset = $3
RETURNING partition
