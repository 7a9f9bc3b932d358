-- Open transactions that have written events, the oldest first, and how many others wait for an order of theirs. Of other
-- roles' transactions, age and statement are hidden from whoever has not the rights of pg_read_all_stats.
SELECT a.pid, l.transaction, a.application_name AS application, a.state,
       CASE WHEN a.state IS NOT NULL THEN a.query END AS query,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age_s,
       (SELECT count(DISTINCT w.pid)
          FROM pg_locks w
         WHERE w.locktype = 'advisory' AND w.classid = 1463898706 AND NOT w.granted AND w.database = l.database
           AND a.pid = ANY (pg_blocking_pids(w.pid))) AS waiting
  FROM (SELECT DISTINCT pid, virtualtransaction AS transaction, database
          FROM pg_locks
         WHERE locktype = 'advisory' AND classid = 1463898706 AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS l
  JOIN pg_stat_activity a ON a.pid = l.pid
 ORDER BY a.xact_start
 LIMIT $1
