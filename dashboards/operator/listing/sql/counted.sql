-- How many orders there are, and how many of them with an anomaly: of stage $1 and partner $2, where these are given, and in
-- none of the stages $3.
SELECT coalesce(sum(orders), 0)::bigint AS orders, coalesce(sum(odd), 0)::bigint AS odd
  FROM counts
 WHERE ($1::text IS NULL OR stage = $1) AND ($2::text IS NULL OR partner = $2) AND stage <> ALL($3::text[])
