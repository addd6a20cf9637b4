"""A seeded simulation of the delivery core: the real stage code over a fake Kafka and a fake or real Postgres, in virtual time."""
