INSERT INTO stays (stage, since, order_no) SELECT n.* FROM unnest($1::stay_row[]) AS n
