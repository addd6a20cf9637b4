-- The delivery core's own tables, the same in every service's store.

-- Who owned a number last: each claim takes the next epoch, over all stages.
CREATE SEQUENCE owner_epoch;

-- How far a stage has read a topic's partition, and the epoch of the only owner who may move it. For transactional topics that a
-- stage writes, next_offset is how far this store knows its own output.
CREATE TABLE cursor (
    stage       text   NOT NULL,
    topic       text   NOT NULL,
    part        int    NOT NULL,
    owner_epoch bigint NOT NULL,
    owner       text   NOT NULL,
    next_offset bigint NOT NULL,
    recall_until bigint,             -- while next_offset is below it, what is decided may stand on the output topics already
    PRIMARY KEY (stage, topic, part)
) WITH (fillfactor = 40);

-- What was decided but may not be on its topic yet: one row per transaction and number, all its messages packed and compressed.
CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage    text   NOT NULL,
    part     int    NOT NULL,
    messages bytea  NOT NULL
);
ALTER TABLE outbox ALTER COLUMN messages SET STORAGE EXTERNAL;
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

-- Which events count already. `at` is the event's own Kafka time, so that a replay writes the same row.
CREATE TABLE inbox (
    stage    text        NOT NULL,
    event_id uuid        NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (stage, event_id)
);
CREATE INDEX inbox_at ON inbox USING brin (at);

-- What the stage's own output topics hold that this store does not know of: filled when a store is new or older than its topics.
CREATE TABLE recalled (
    stage    text NOT NULL,
    event_id uuid NOT NULL,
    part     int  NOT NULL,
    topic    text NOT NULL,
    type     text NOT NULL,
    subject  text NOT NULL,
    value    bytea,                  -- of transactional topics only
    PRIMARY KEY (stage, event_id, part)
);
CREATE INDEX recalled_subject ON recalled (subject);

-- What became of each command that this service was asked to carry out.
CREATE TABLE command (
    command_id uuid PRIMARY KEY,
    status     text NOT NULL,        -- pending, done, refused
    result     text,
    reason     text
);

-- How far an operator lets a number go on after the reject limit stopped it.
CREATE TABLE reject_pass (
    stage        text   NOT NULL,
    topic        text   NOT NULL,
    part         int    NOT NULL,
    until_offset bigint NOT NULL,
    PRIMARY KEY (stage, topic, part)
);
