-- Orders that stopped in the last $1 seconds: their first parked event has a reason of its own.
SELECT count(DISTINCT order_no)
  FROM parked
 WHERE parked_at >= clock_timestamp() - make_interval(secs => $1) AND partition = ANY($2::smallint[]) AND reason <> $3
