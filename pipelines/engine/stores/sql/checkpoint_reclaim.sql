-- After a lost connection: go on only if nobody has taken the partition over meanwhile.
UPDATE checkpoint
   SET epoch = epoch + 1,
       backend_pid = pg_backend_pid(),
       backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
 WHERE partition = $1 AND epoch = $2
RETURNING epoch, next_offset, recorded_at
