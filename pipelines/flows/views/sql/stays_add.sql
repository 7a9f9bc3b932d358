INSERT INTO stays (stage, holder, since, order_no, opened_at, partition, partner)
SELECT n.* FROM unnest($1::stay_row[]) AS n
