SELECT customer, finished_at IS NOT NULL AS finished FROM warren.erased
