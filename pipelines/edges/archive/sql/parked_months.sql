-- In which months parked events were recorded, and an order of each. A release writes them into these months.
SELECT date_trunc('month', parked.recorded_at AT TIME ZONE 'UTC')::date AS month, count(*) AS events,
       min(order_id) AS order_id
  FROM parked
  JOIN order_index USING (order_no)
 GROUP BY 1
