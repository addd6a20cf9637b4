-- Webhooks: who subscribed to handovers, and what was told to them. In a schema of its own: secrets stand on no topic, and a store that is
-- filled again from the topics keeps who was told already, so that nothing is posted twice.
CREATE SCHEMA IF NOT EXISTS webhook;

-- A subscriber. `failing_since`: the first failure after the latest success. What is disabled keeps its messages until it is enabled.
CREATE TABLE IF NOT EXISTS webhook.hook (
    hook_id          text        PRIMARY KEY,
    url              text        NOT NULL,
    events           text[]      NOT NULL,   -- types; none: all
    note             text        NOT NULL,
    created_at       timestamptz NOT NULL,
    failing_since    timestamptz,
    disabled_at      timestamptz,
    disabled_because text
);

-- What a hook signs with: one, or two while the older one is replaced (both sign until it ends).
CREATE TABLE IF NOT EXISTS webhook.secret (
    hook_id  text        NOT NULL REFERENCES webhook.hook ON DELETE CASCADE,
    secret   text        NOT NULL,           -- whsec_...: a signature can only be made with the secret itself
    made_at  timestamptz NOT NULL,
    ends_at  timestamptz,
    PRIMARY KEY (hook_id, secret)
);

-- A message to a subscriber, once by its event. `number` orders those of a lead; only the first of them that waits is sent.
CREATE TABLE IF NOT EXISTS webhook.delivery (
    hook_id      text        NOT NULL REFERENCES webhook.hook ON DELETE CASCADE,
    event_id     uuid        NOT NULL,
    number       bigint      GENERATED ALWAYS AS IDENTITY,
    type         text        NOT NULL,
    key          text        NOT NULL,       -- webhook-id, the idempotency key
    lead_id      text        NOT NULL,
    body         bytea       NOT NULL,
    heard_at     timestamptz NOT NULL,
    state        text        NOT NULL,       -- waiting, delivered, failed
    tries        int         NOT NULL,
    due_at       timestamptz NOT NULL,       -- of the next try; while one goes on, when it counts as dead
    ended_at     timestamptz,
    PRIMARY KEY (hook_id, event_id)
);
CREATE INDEX IF NOT EXISTS delivery_waiting ON webhook.delivery (hook_id, due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_order ON webhook.delivery (hook_id, lead_id, number) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS delivery_log ON webhook.delivery (hook_id, number);
CREATE INDEX IF NOT EXISTS delivery_ended ON webhook.delivery (ended_at) WHERE ended_at IS NOT NULL;

-- Each try: no word of what was sent or answered but the status.
CREATE TABLE IF NOT EXISTS webhook.try (
    hook_id  text        NOT NULL,
    event_id uuid        NOT NULL,
    at       timestamptz NOT NULL,
    status   int         NOT NULL,           -- 0: no answer
    why      text        NOT NULL,
    took_ms  int         NOT NULL,
    FOREIGN KEY (hook_id, event_id) REFERENCES webhook.delivery ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS try_of ON webhook.try (hook_id, event_id, at);
