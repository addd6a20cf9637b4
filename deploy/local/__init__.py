"""The local stack without Docker: a real Kafka, a real Postgres and the services under a supervisor. Knows processes, not leads."""
