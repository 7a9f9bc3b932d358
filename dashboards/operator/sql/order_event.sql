-- The raw event of order $1 at stream offset $2, whether it took effect or is parked.
SELECT timeline.body
  FROM order_index JOIN timeline USING (order_no)
 WHERE order_index.order_id = $1 AND timeline.stream_offset = $2
UNION ALL
SELECT parked.body
  FROM order_index JOIN parked USING (order_no)
 WHERE order_index.order_id = $1 AND parked.stream_offset = $2
 LIMIT 1;
