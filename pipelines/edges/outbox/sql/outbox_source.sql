SELECT source FROM outbox
