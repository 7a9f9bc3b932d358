SELECT number, from_snapshot::text, to_snapshot::text, floor, ceiling, next_floor, after_seq, last_seq, complete,
       events, first_ids, next_ids
  FROM batch
 ORDER BY number
