-- Who else holds one of the tables $1 now, the longest at work first.
SELECT activity.application_name AS application, activity.pid
  FROM pg_locks AS held
  JOIN pg_stat_activity AS activity USING (pid)
 WHERE held.relation = ANY(SELECT to_regclass(name) FROM unnest($1::text[]) AS name)
   AND held.granted AND held.pid <> pg_backend_pid()
 ORDER BY activity.xact_start
 LIMIT 1
