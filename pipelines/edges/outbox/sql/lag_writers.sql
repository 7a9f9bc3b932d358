-- Open transactions that have written events, the oldest first, and how many others wait for an order of theirs.
SELECT a.pid, a.application_name AS application, a.state, a.query,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age_s,
       (SELECT count(DISTINCT w.pid)
          FROM pg_locks w
         WHERE w.locktype = 'advisory' AND w.classid = 1463898706 AND NOT w.granted AND w.database = d.oid
           AND a.pid = ANY (pg_blocking_pids(w.pid))) AS waiting
  FROM pg_stat_activity a
  JOIN pg_database d ON d.datname = current_database()
 WHERE a.pid IN (SELECT pid FROM pg_locks
                  WHERE locktype = 'advisory' AND classid = 1463898706 AND granted AND database = d.oid)
 ORDER BY a.xact_start
 LIMIT $1
