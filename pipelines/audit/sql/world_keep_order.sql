INSERT INTO orders (number, order_id, partition, stage, partner, amount, currency) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (number) DO UPDATE
   SET stage = excluded.stage, partner = excluded.partner, amount = excluded.amount, currency = excluded.currency
