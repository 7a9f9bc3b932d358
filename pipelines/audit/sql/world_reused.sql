SELECT e.source, e.event_id, count(*), min(o.order_id), max(o.order_id)
  FROM events e
  JOIN orders o ON o.number = e.number
 GROUP BY e.identity
HAVING count(*) > 1
