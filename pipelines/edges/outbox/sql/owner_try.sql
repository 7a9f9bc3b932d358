-- The relay that has this lock works, for as long as its connection lives.
SELECT pg_try_advisory_lock(1463898707, 1)
