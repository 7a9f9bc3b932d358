UPDATE batch SET first_ids = $2 WHERE number = $1
