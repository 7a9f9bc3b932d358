"""A service's transactional outbox: events written in the service's own transactions, published by a relay."""

SCHEMA = "warren_outbox"
"""The schema of an outbox, in the service's own database."""
