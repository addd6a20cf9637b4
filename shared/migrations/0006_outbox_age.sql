-- Since when a batch waits for Kafka: how old the oldest is tells that somebody does not get his records.
ALTER TABLE outbox ADD at timestamptz NOT NULL DEFAULT now();
