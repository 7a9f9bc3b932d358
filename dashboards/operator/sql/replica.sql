-- How far this server is behind its primary; no row: it is the primary.
-- `bytes`: what it has received of the log and not replayed. `replayed_at`: when the last transaction it shows was
-- committed, by the primary's clock.
SELECT coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint AS bytes,
       EXISTS (SELECT FROM pg_stat_wal_receiver)                                                 AS connected,
       coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())                     AS replayed_at,
       clock_timestamp()                                                                         AS read_at
 WHERE pg_is_in_recovery();
