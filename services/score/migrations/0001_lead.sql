-- A lead as score knows it. Its data is JSON as enrich wrote it; `state` is the domain's State (msgpack), the columns below it
-- are of it what SQL looks at. Points are hundredths.
CREATE TABLE lead (
    lead_id         text   PRIMARY KEY,
    part            int    NOT NULL,   -- the number that owns it
    profile_version bigint NOT NULL,   -- -1: never told of, only an outcome came
    profile         bytea  NOT NULL,
    first_touch     bytea  NOT NULL,   -- empty where there is none
    last_touch      bytea  NOT NULL,
    state           bytea  NOT NULL,
    fingerprint     text   NOT NULL,   -- the ruleset that it was counted by; empty: by none yet
    newest_at       timestamptz,       -- the latest activity that fell under a rule
    newest_id       uuid,
    stage           text   NOT NULL,
    total           int    NOT NULL
) WITH (fillfactor = 70);

-- What leads did, each activity in its latest revision: read when one comes late, changes, or another ruleset is in force.
CREATE TABLE activity (
    lead_id     text        NOT NULL,
    activity_id uuid        NOT NULL,
    revision    int         NOT NULL,
    occurred_at timestamptz NOT NULL,
    known_at    timestamptz NOT NULL,  -- Kafka's time of the record that brought this revision
    body        bytea       NOT NULL,
    PRIMARY KEY (lead_id, activity_id)
);
