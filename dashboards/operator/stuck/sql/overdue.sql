-- Of the stays that are over and lasted too long: how many passed their target, and how many ended, on each day from $1 on.
SELECT stage, holder, day, sum(passed)::bigint AS passed, sum(ended)::bigint AS ended
  FROM overdue_days
 WHERE day >= $1
 GROUP BY stage, holder, day
