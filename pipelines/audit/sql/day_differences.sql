-- Where the numbers of open orders by the day they came into their stage, and the orders, differ; of one moment.
SELECT partition, stage, holder, day, coalesce(d.orders, 0) AS counted, coalesce(o.orders, 0) AS there
  FROM stay_days AS d
  FULL JOIN (SELECT partition, stage, holder, (stage_since AT TIME ZONE 'UTC')::date AS day, count(*) AS orders
               FROM open_orders GROUP BY 1, 2, 3, 4) AS o USING (partition, stage, holder, day)
 WHERE d.orders IS DISTINCT FROM o.orders
 ORDER BY 1, 2, 3, 4
