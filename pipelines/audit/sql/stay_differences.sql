-- Open orders whose stay is not there or says something else, and stays of no open order; in one statement and so of one
-- moment.
SELECT wrong.*, i.order_id
  FROM (SELECT order_no, o.partition, o.order_no IS NOT NULL AS open, count(s.order_no) AS stays
          FROM open_orders AS o
          FULL JOIN stays AS s USING (order_no)
         GROUP BY 1, 2, 3
        HAVING NOT (count(o.order_no) = 1
                    AND bool_and((s.stage, s.since) IS NOT DISTINCT FROM (o.stage, o.stage_since)))) AS wrong
  LEFT JOIN order_index AS i USING (order_no)
