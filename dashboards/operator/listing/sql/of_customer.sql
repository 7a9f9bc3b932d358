-- How many orders customer $1 has, counted up to twice $2.
SELECT (SELECT count(*) FROM (SELECT FROM open_orders WHERE customer_id = $1 LIMIT $2) AS o)
     + (SELECT count(*) FROM (SELECT FROM closed_orders WHERE customer_id = $1 LIMIT $2) AS c)
