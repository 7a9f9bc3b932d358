-- The orders that wait, the longest waiting first, each with its first parked event and why; $1: at most so many.
SELECT index.order_id, first.partition, waiting.events, waiting.first_offset, first.reason, first.recorded_at,
       first.parked_at
  FROM (SELECT order_no, count(*) AS events, min(stream_offset) AS first_offset FROM parked GROUP BY order_no) AS waiting
  JOIN parked AS first ON first.order_no = waiting.order_no AND first.stream_offset = waiting.first_offset
  JOIN order_index AS index ON index.order_no = waiting.order_no
 ORDER BY first.parked_at, index.order_id
 LIMIT $1
