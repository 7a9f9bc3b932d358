-- How many open orders came into each stage of $1 from the moment in $2 on and before that in $3, by holder; `span` says of
-- which of them, from 1.
SELECT asked.span, o.holder, count(*) AS orders
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS asked (stage, first, last, span)
  JOIN stays AS s ON s.stage = asked.stage AND s.since >= asked.first AND s.since < asked.last
  JOIN open_orders AS o ON o.order_no = s.order_no
 GROUP BY asked.span, o.holder
