-- The console's read models: dead letters and their replays, and the property of the demo page.

-- One row a dead letter, whole: what was read, why it died, where and when.
CREATE TABLE dead (
    dead_id   uuid        PRIMARY KEY,
    service   text        NOT NULL,
    reason    text        NOT NULL,
    detail    text        NOT NULL,
    topic     text        NOT NULL,
    part      int         NOT NULL,
    place     bigint      NOT NULL,   -- the record's offset
    died_at   timestamptz NOT NULL,
    replay_of uuid,                   -- the dead letter whose replay died here
    key       bytea,
    headers   bytea       NOT NULL,   -- JSON: [[name, base64]]
    value     bytea       NOT NULL
);
CREATE INDEX dead_newest ON dead (died_at DESC, dead_id DESC);

-- One row a replay. It may be read before its dead letter is: they come on different partitions.
CREATE TABLE replay (
    command_id  uuid        PRIMARY KEY,
    dead_id     uuid        NOT NULL,
    replayed_at timestamptz NOT NULL
);
CREATE INDEX replay_dead ON replay (dead_id);

-- What the demo page is filled with; at most one row, replaced by each `leads demo`.
CREATE TABLE demo (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    write_key text    NOT NULL,
    capture   text    NOT NULL        -- capture's address, as a browser reaches it
);
