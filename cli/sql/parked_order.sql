-- How many events of order $1 wait, and why the first of them does. No row: no such order.
SELECT index.order_no, count(parked.stream_offset) AS events,
       (array_agg(parked.reason ORDER BY parked.stream_offset))[1] AS reason
  FROM order_index AS index LEFT JOIN parked USING (order_no)
 WHERE index.order_id = $1
 GROUP BY index.order_no
