-- While a relay has this lock, publishing transactions do not notify it.
SELECT pg_try_advisory_lock(1463898707, 2)
