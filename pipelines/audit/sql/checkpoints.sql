-- Positions and totals, with the parked events there are, all of one moment.
SELECT c.partition, c.next_offset, c.applied, c.duplicates, c.quarantined, c.parked,
       (SELECT count(*) FROM parked p WHERE p.partition = c.partition) AS parked_rows
  FROM checkpoint c
 ORDER BY c.partition
