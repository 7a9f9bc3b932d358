-- What waits for a human. $1: count no further than this, so that a flood of bad events cannot slow the board.
SELECT (SELECT count(*) FROM (SELECT FROM quarantine WHERE how IS NULL AND reason <> '' LIMIT $1) AS q) AS quarantined,
       (SELECT count(*) FROM (SELECT FROM parked LIMIT $1) AS p)                                      AS parked_events,
       (SELECT count(DISTINCT order_no) FROM (SELECT order_no FROM parked LIMIT $1) AS o)              AS parked_orders;
