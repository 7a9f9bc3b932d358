SELECT pg_try_advisory_lock(1463898707, 3)
