-- The months of the timeline that have left and may hold events of order $1, and its number. Its events were recorded
-- between its opening and the last one. No row: there are none, or no such order.
SELECT known.order_no, month.month, month.path, month.manifest
  FROM order_index AS known
  JOIN LATERAL (
      SELECT last_recorded_at FROM open_orders WHERE open_orders.order_no = known.order_no
       UNION ALL
      SELECT last_recorded_at FROM closed_orders WHERE closed_orders.order_no = known.order_no
       UNION ALL
      SELECT last_recorded_at FROM archived_orders WHERE archived_orders.order_no = known.order_no
  ) AS state ON true
  JOIN archived_months AS month
    ON month.dataset = 'timeline'
   AND month.month <= (state.last_recorded_at AT TIME ZONE 'UTC')::date
   AND month.month + interval '1 month' > known.opened_at AT TIME ZONE 'UTC'
 WHERE known.order_id = $1
 ORDER BY month.month
