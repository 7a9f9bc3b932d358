-- With where the partition stands at this very moment; NULL for a partition that is not read at all. `erased`: its order is
-- an erased customer's by its row, which is held against the log elsewhere.
SELECT q.partition, q.stream_offset, q.reason, q.source, q.event_id, q.subject, substr(sha256(q.body), 1, 8) AS body,
       c.next_offset, coalesce(o.erased, false) AS erased
  FROM quarantine q
  LEFT JOIN checkpoint c USING (partition)
  LEFT JOIN order_index i ON i.order_id = q.subject
  LEFT JOIN LATERAL (SELECT customer_id = '' AS erased FROM open_orders WHERE order_no = i.order_no
                      UNION ALL
                     SELECT customer_id = '' FROM closed_orders WHERE order_no = i.order_no
                      UNION ALL
                     SELECT customer_id = '' FROM archived_orders WHERE order_no = i.order_no) AS o ON true
 WHERE (q.partition, q.stream_offset) > ($1::int, $2::bigint)
   AND NOT (q.reason = '' AND q.how IS NOT NULL)
 ORDER BY q.partition, q.stream_offset
 LIMIT $3
