-- Asked first: the insertion alone would wait for a frozen owner whose transaction has moved the row.
INSERT INTO checkpoint (partition)
SELECT $1 WHERE NOT EXISTS (SELECT FROM checkpoint WHERE partition = $1)
    ON CONFLICT DO NOTHING
