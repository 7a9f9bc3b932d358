-- The raw events of order $1 that took effect and were recorded by $2.
SELECT timeline.stream_offset, timeline.body
  FROM order_index JOIN timeline USING (order_no)
 WHERE order_index.order_id = $1 AND timeline.recorded_at <= $2;
