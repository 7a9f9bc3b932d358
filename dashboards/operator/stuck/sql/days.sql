-- How many open orders came to which stage and holder on which day, all partitions together.
SELECT stage, holder, day, sum(orders)::bigint AS orders FROM stay_days GROUP BY stage, holder, day
