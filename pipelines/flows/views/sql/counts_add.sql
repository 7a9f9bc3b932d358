INSERT INTO counts AS c (partition, stage, partner, orders)
SELECT $1, n.stage, n.partner, n.orders FROM unnest($2::text[], $3::text[], $4::bigint[]) AS n (stage, partner, orders)
    ON CONFLICT (partition, stage, partner) DO UPDATE SET orders = c.orders + excluded.orders
