-- What was known of a lead at any moment. Nothing that score was told is forgotten: `activity` keeps every revision, `outcome` what sales
-- said, `former` what the lead's own document no longer says. What it says now stands in `lead`, with the moment since when.
ALTER TABLE activity ADD COLUMN life int NOT NULL DEFAULT 0; -- of its lead: each merge and each split begins another one, in which nothing of before counts
ALTER TABLE activity DROP CONSTRAINT activity_pkey, ADD PRIMARY KEY (lead_id, activity_id, life, revision);

CREATE TABLE former (
    lead_id  text        NOT NULL,
    kind     text        NOT NULL,     -- profile: msgpack [life, profile_version, profile, first_touch, last_touch]; decided: the domain's Decided
    known_at timestamptz NOT NULL,     -- since when, up to the next row of its kind, or to what the lead's document says; 1970: of before this table
    data     bytea       NOT NULL,
    PRIMARY KEY (lead_id, kind, known_at)
);
ALTER TABLE former ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE former SET (toast_tuple_target = 8160);

CREATE TABLE outcome (
    lead_id     text        NOT NULL,
    event_id    uuid        NOT NULL,
    life        int         NOT NULL,
    outcome     text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    known_at    timestamptz NOT NULL,
    episode     int         NOT NULL,  -- the one that it speaks of
    PRIMARY KEY (lead_id, event_id)
);
