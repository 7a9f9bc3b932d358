-- Days since 1970 began.
INSERT INTO overdue_days AS o (partition, stage, holder, day, passed, ended)
SELECT $1, n.stage, n.holder, date '1970-01-01' + n.day, n.passed, n.ended
  FROM unnest($2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[])
    AS n (stage, holder, day, passed, ended)
    ON CONFLICT (partition, stage, holder, day)
    DO UPDATE SET passed = o.passed + excluded.passed, ended = o.ended + excluded.ended
