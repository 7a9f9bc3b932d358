-- Where the numbers of stays by the hour they began in, and the stays, differ; of one moment.
SELECT partition, stage, holder, hour, coalesce(h.orders, 0) AS counted, coalesce(s.orders, 0) AS there
  FROM stay_hours AS h
  FULL JOIN (SELECT partition, stage, holder, date_trunc('hour', since, 'UTC') AS hour, count(*) AS orders
               FROM stays GROUP BY 1, 2, 3, 4) AS s USING (partition, stage, holder, hour)
 WHERE h.orders IS DISTINCT FROM s.orders
 ORDER BY 1, 2, 3, 4
