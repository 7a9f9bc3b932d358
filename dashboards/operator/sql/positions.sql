-- How far each partition's events have taken effect, and what became of them.
SELECT partition, next_offset, recorded_at, committed_at, applied, duplicates, quarantined, parked
  FROM checkpoint
 ORDER BY partition;
