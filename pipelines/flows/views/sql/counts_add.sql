INSERT INTO counts AS c (partition, stage, partner, orders, odd)
SELECT $1, n.*
  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (stage, partner, orders, odd)
    ON CONFLICT (partition, stage, partner)
    DO UPDATE SET orders = c.orders + excluded.orders, odd = c.odd + excluded.odd
