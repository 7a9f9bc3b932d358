-- Tables of the timeline's rows that a restore put aside and that took no month's place.
SELECT relname FROM pg_class
 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT relispartition
   AND relname LIKE 'restored\_timeline\_%'
