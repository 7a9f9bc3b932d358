-- Open orders whose stay is not there or says something else, and stays of no open order; in one statement and so of one
-- moment.
SELECT coalesce(o.order_no, s.order_no) AS order_no, coalesce(o.partition, s.partition) AS partition, i.order_id,
       o.order_no IS NOT NULL AS open, count(s.order_no) AS stays
  FROM open_orders AS o
  FULL JOIN stays AS s ON s.order_no = o.order_no
  LEFT JOIN order_index AS i ON i.order_no = coalesce(o.order_no, s.order_no)
 GROUP BY 1, 2, 3, 4
HAVING NOT (count(o.order_no) = 1 AND bool_and((s.stage, s.holder, s.since, s.opened_at, s.partition, s.partner)
               IS NOT DISTINCT FROM (o.stage, o.holder, o.stage_since, o.opened_at, o.partition, o.partner)))
