-- How far each partition's events have taken effect, who owns it, and whether that owner's connection is there.
SELECT c.partition, c.next_offset, c.epoch, c.owner, c.recorded_at, c.committed_at, c.applied, c.duplicates,
       c.quarantined, c.parked, a.pid IS NOT NULL AS owner_connected
  FROM checkpoint c
  LEFT JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
 ORDER BY c.partition
