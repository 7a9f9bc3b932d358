INSERT INTO met (order_id, line) VALUES (?, ?) ON CONFLICT DO NOTHING
