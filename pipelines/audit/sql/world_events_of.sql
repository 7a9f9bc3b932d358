SELECT o.order_id, e.stream_offset, e.identity, e.content, e.recorded_ms, e.source, e.event_id, e.event_type,
       e.event_us, e.trace_id, e.readable, e.body, e.stage, e.partner, e.amount, e.currency, e.settles, e.customer
  FROM json_each(?) AS asked
  JOIN orders o ON o.order_id = asked.value
  JOIN events e ON e.number = o.number
