-- Orders per stage and partner, all partitions together.
SELECT stage, partner, sum(orders)::bigint AS orders
  FROM counts
 GROUP BY stage, partner
HAVING sum(orders) <> 0;
