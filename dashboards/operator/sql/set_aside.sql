-- What waits for a human, and for how many months after this one there are partitions, of the table that has fewest.
-- $1: count no further than this, so that a flood of bad events cannot slow the board.
SELECT (SELECT count(*) FROM (SELECT FROM quarantine WHERE how IS NULL AND reason <> '' LIMIT $1) AS q) AS quarantined,
       (SELECT count(*) FROM (SELECT FROM parked LIMIT $1) AS p)                                      AS parked_events,
       (SELECT count(DISTINCT order_no) FROM (SELECT order_no FROM parked LIMIT $1) AS o)              AS parked_orders,
       (SELECT min(ahead)
          FROM (SELECT count(*) FILTER (WHERE right(c.relname, 7) > to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')) AS ahead
                  FROM (VALUES ('timeline'), ('closed_orders')) AS t (name)
                  LEFT JOIN pg_inherits i ON i.inhparent = to_regclass(t.name)
                  LEFT JOIN pg_class c ON c.oid = i.inhrelid
                 GROUP BY t.name) AS tables)                                                           AS months_ahead;
