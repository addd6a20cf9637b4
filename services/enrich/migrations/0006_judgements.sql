-- What operators ruled about who is who, and what they are asked about.

-- Each ruling that was accepted, as the command that asked for it. What it says of an identifier stands with the identifier (identifier.ties), what it says
-- of an event with the event.
CREATE TABLE judgement (
    command_id uuid        PRIMARY KEY,
    at         timestamptz NOT NULL,   -- when it was asked for; of several about the same the latest counts
    document   bytea       NOT NULL
);

-- The latest ruling that took an event off whoever it names.
ALTER TABLE activity ADD COLUMN apart bytea;

-- Phone numbers that did not join the strong identifier that they were first seen with, until somebody rules or it has no reason any more.
CREATE TABLE review (
    phone     text        PRIMARY KEY,
    review_id uuid        NOT NULL UNIQUE,
    strong    text        NOT NULL,
    rule      text        NOT NULL,    -- names (they disagree), limit (too many joined already)
    event_id  uuid        NOT NULL,    -- that named both first
    at        timestamptz NOT NULL     -- when that occurred
);
CREATE INDEX review_at ON review (at, review_id);

-- A command counts once as an event does.
CREATE OR REPLACE FUNCTION kept_events(wanted uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(h)
       FROM (SELECT DISTINCT hashtextextended(id::text, 1) AS h FROM unnest(wanted) AS id ORDER BY h) AS locks;
    RETURN QUERY SELECT event_id FROM activity WHERE event_id = ANY (wanted)
                 UNION ALL SELECT command_id FROM judgement WHERE command_id = ANY (wanted);
END $$;
