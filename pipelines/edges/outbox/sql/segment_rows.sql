SELECT count(*) FROM event WHERE segment = $1
