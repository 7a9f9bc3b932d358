-- Where the counts of one partition and its orders differ, in one statement and so of one moment.
SELECT coalesce(c.stage, o.stage) AS stage, coalesce(c.partner, o.partner) AS partner,
       coalesce(c.orders, 0) AS counted, coalesce(o.orders, 0) AS there
  FROM (SELECT stage, partner, orders FROM counts WHERE partition = $1) AS c
  FULL JOIN (SELECT stage, coalesce(partner, '') AS partner, count(*) AS orders
               FROM (SELECT stage, partner FROM open_orders WHERE partition = $1
                      UNION ALL
                     SELECT stage, partner FROM closed_orders WHERE partition = $1) AS either
              GROUP BY 1, 2) AS o
         ON o.stage = c.stage AND o.partner = c.partner
 WHERE coalesce(c.orders, 0) <> coalesce(o.orders, 0)
 ORDER BY 1, 2
