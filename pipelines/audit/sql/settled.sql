SELECT q.partition || ':' || q.stream_offset AS place, q.how, q.by_offset, i.order_id
  FROM quarantine q
  LEFT JOIN order_index i USING (order_no)
 WHERE q.how IS NOT NULL;
