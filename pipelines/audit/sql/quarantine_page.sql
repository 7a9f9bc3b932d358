-- With where the partition stands at this very moment; NULL for a partition that is not read at all.
SELECT q.partition, q.stream_offset, q.reason, q.source, q.event_id, q.subject, substr(sha256(q.body), 1, 8) AS body,
       c.next_offset
  FROM quarantine q
  LEFT JOIN checkpoint c USING (partition)
 WHERE (q.partition, q.stream_offset) > ($1::int, $2::bigint)
   AND NOT (q.reason = '' AND q.how IS NOT NULL)
 ORDER BY q.partition, q.stream_offset
 LIMIT $3
