UPDATE checkpoint
   SET epoch = epoch + 1,
       owner = $2,
       backend_pid = pg_backend_pid(),
       backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
 WHERE partition = $1
RETURNING epoch, next_offset, recorded_at
