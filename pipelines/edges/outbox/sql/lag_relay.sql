-- The connection of the relay that works, where one does.
SELECT pid
  FROM pg_locks
 WHERE locktype = 'advisory' AND classid = 1463898707 AND objid = 1 AND objsubid = 2 AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
