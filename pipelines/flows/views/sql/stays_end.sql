DELETE FROM stays s
 USING unnest($1::stay_row[]) AS n
 WHERE s.stage = n.stage AND s.since = n.since AND s.order_no = n.order_no
