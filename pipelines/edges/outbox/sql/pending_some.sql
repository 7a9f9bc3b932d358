SELECT count(*) FROM (SELECT FROM pending LIMIT $1) AS few
