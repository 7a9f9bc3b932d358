SELECT i.order_id, o.stage, o.partner, o.customer_id, o.opened_at, o.revision, o.anomalies
  FROM (SELECT order_no, stage, partner, customer_id, opened_at, revision, anomalies FROM open_orders
        UNION ALL
        SELECT order_no, stage, partner, customer_id, opened_at, revision, anomalies FROM closed_orders) o
  JOIN order_index i USING (order_no)
