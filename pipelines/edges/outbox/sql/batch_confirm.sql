-- Everything up to batch $2 is confirmed, and it is the newest, which stays: the next one begins where it ends.
WITH settled AS (
    DELETE FROM batch WHERE number BETWEEN $1 AND $2 - 1
)
UPDATE batch SET next_ids = $3 WHERE number = $2
