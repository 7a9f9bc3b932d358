-- A snapshot whose events are all confirmed.
SELECT CASE WHEN next_ids IS NOT NULL AND complete THEN to_snapshot ELSE from_snapshot END::text
  FROM batch
 ORDER BY next_ids IS NOT NULL, number
 LIMIT 1
