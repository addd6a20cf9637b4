-- What operators said, and commands that wait for the end of a rebuild.

-- How human an activity is, as an operator said last; also of one that is not known yet.
CREATE TABLE ruling (
    event_id   uuid        PRIMARY KEY,
    at         timestamptz NOT NULL,   -- when the command was given
    command_id uuid        NOT NULL,
    human      float8      NOT NULL,
    by         text,
    reason     text
);

ALTER TABLE owed RENAME COLUMN happened TO event;
ALTER TABLE owed ADD COLUMN command boolean NOT NULL DEFAULT false;

-- Locks these event ids as kept_events does, but never waits for another: a batch that has locks already would wait out of order.
CREATE FUNCTION lock_events(wanted uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM unnest(wanted) AS id WHERE NOT pg_try_advisory_xact_lock(hashtextextended(id::text, 1));
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = 'another instance works on one of these events';
    END IF;
END $$;
