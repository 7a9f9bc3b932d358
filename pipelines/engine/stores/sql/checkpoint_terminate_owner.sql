-- Free whatever the recorded owner holds: a frozen client keeps its row locks until its backend is gone.
SELECT pg_terminate_backend(a.pid, 5000)
  FROM checkpoint c
  JOIN pg_stat_activity a ON a.pid = c.backend_pid AND a.backend_start = c.backend_start
 WHERE c.partition = $1 AND a.pid <> pg_backend_pid()
