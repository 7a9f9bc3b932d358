INSERT INTO timeline SELECT n.* FROM unnest($1::timeline[]) AS n
