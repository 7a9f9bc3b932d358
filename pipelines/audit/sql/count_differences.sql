-- Where the counts of one partition and its orders differ, in one statement and so of one moment.
SELECT coalesce(c.stage, o.stage) AS stage, coalesce(c.partner, o.partner) AS partner,
       coalesce(c.orders, 0) AS counted, coalesce(o.orders, 0) AS there,
       coalesce(c.odd, 0) AS counted_odd, coalesce(o.odd, 0) AS odd
  FROM (SELECT stage, partner, orders, odd FROM counts WHERE partition = $1) AS c
  FULL JOIN (SELECT stage, coalesce(partner, '') AS partner, count(*) AS orders,
                    count(*) FILTER (WHERE anomalies > 0) AS odd
               FROM (SELECT stage, partner, anomalies FROM open_orders WHERE partition = $1
                      UNION ALL
                     SELECT stage, partner, anomalies FROM closed_orders WHERE partition = $1
                      UNION ALL
                     SELECT stage, partner, anomalies FROM archived_orders WHERE partition = $1) AS each_table
              GROUP BY 1, 2) AS o
         ON o.stage = c.stage AND o.partner = c.partner
 WHERE (coalesce(c.orders, 0), coalesce(c.odd, 0)) <> (coalesce(o.orders, 0), coalesce(o.odd, 0))
 ORDER BY 1, 2
