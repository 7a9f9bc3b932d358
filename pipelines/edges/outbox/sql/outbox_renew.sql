UPDATE outbox SET generation = generation + 1, home = $1, bound_to = $2 RETURNING generation
