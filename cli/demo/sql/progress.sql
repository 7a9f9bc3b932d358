-- How far the pipeline is with all partitions, and what became of their events.
SELECT partition, next_offset, epoch, applied, duplicates, quarantined, parked
  FROM checkpoint
