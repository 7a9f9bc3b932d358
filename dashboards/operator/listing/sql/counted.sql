-- How many orders there are of stage $1 and partner $2, where these are given, and how many of them with an anomaly; and of
-- the partner, and with an anomaly, at all. In none of the stages $3.
SELECT coalesce(sum(orders) FILTER (WHERE meant), 0)::bigint AS orders,
       coalesce(sum(odd) FILTER (WHERE meant), 0)::bigint AS odd,
       coalesce(sum(orders) FILTER (WHERE partner = $2), 0)::bigint AS of_partner,
       coalesce(sum(odd), 0)::bigint AS odd_of_all
  FROM (SELECT *, ($1::text IS NULL OR stage = $1) AND ($2::text IS NULL OR partner = $2) AS meant
          FROM counts
         WHERE stage <> ALL($3::text[])) AS counted
