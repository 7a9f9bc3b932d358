-- End the working relay's connection if its process has asked nothing for so many seconds: it asks every second.
SELECT a.pid, pg_terminate_backend(a.pid) AS ended
  FROM pg_locks l
  JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.classid = 1463898707 AND l.objid = 1 AND l.objsubid = 2 AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (a.state <> 'active' OR a.wait_event_type = 'Client')
   AND clock_timestamp() - a.state_change > make_interval(secs => $1)
