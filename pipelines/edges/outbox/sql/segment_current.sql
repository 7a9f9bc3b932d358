SELECT segment FROM outbox
