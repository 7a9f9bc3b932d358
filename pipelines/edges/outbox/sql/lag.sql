-- How many events wait, up to $1, and since when the first of them.
SELECT count(*) AS pending, extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_s
  FROM (SELECT created_at FROM pending LIMIT $1) AS few
