-- The $1 orders that wait, parked, the longest waiting first: how many events each, and why the first of them does.
SELECT i.order_id, f.partition, w.events, f.stream_offset, f.reason, f.parked_at
  FROM (SELECT order_no, count(*) AS events, min(stream_offset) AS first_offset
          FROM parked
         GROUP BY order_no
         ORDER BY min(parked_at), order_no
         LIMIT $1) AS w
  JOIN parked f ON f.order_no = w.order_no AND f.stream_offset = w.first_offset
  JOIN order_index i ON i.order_no = w.order_no
 ORDER BY f.parked_at, i.order_id;
