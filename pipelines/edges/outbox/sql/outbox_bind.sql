UPDATE outbox SET bound_to = $1
