SELECT customer, requested_at, requested_by, finished_at FROM warren.erased ORDER BY requested_at, customer
