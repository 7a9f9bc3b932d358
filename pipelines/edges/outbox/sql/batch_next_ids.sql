UPDATE batch SET next_ids = $2 WHERE number = $1
