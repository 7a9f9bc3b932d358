-- The currencies there are prices in, one step along an index for each.
WITH RECURSIVE open_ones AS (
    (SELECT price_currency FROM open_orders WHERE price_amount IS NOT NULL ORDER BY price_currency LIMIT 1)
    UNION ALL
    SELECT (SELECT o.price_currency FROM open_orders o
             WHERE o.price_amount IS NOT NULL AND o.price_currency > open_ones.price_currency
             ORDER BY o.price_currency LIMIT 1)
      FROM open_ones
     WHERE open_ones.price_currency IS NOT NULL
), closed_ones AS (
    (SELECT price_currency FROM closed_orders WHERE price_amount IS NOT NULL ORDER BY price_currency LIMIT 1)
    UNION ALL
    SELECT (SELECT o.price_currency FROM closed_orders o
             WHERE o.price_amount IS NOT NULL AND o.price_currency > closed_ones.price_currency
             ORDER BY o.price_currency LIMIT 1)
      FROM closed_ones
     WHERE closed_ones.price_currency IS NOT NULL
)
SELECT price_currency FROM open_ones WHERE price_currency IS NOT NULL
UNION
SELECT price_currency FROM closed_ones WHERE price_currency IS NOT NULL;
