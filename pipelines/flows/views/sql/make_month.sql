-- The month of $1 and the one after it, so that a month's first batch finds its partition ready.
SELECT ensure_month(parent, $1::timestamptz + make_interval(months => m))
  FROM unnest(ARRAY['timeline', 'closed_orders']) AS parent, generate_series(0, 1) AS m
