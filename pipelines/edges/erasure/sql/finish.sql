UPDATE warren.erased SET finished_at = $2 WHERE customer = $1
