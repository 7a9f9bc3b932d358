-- How long each order stood in each stage it left: the time is on the event that ended it, the stage on the one before.
SELECT order_id, stage_before, sum(held_seconds) AS seconds
  FROM (SELECT i.order_id, t.held_seconds, lag(t.stage) OVER (PARTITION BY t.order_no ORDER BY t.stream_offset) AS stage_before
          FROM timeline t JOIN order_index i USING (order_no)) s
 WHERE held_seconds IS NOT NULL
 GROUP BY order_id, stage_before
