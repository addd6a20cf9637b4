-- Who is who, and what each has done. Documents are JSON as bytea: enrich alone reads them; what is searched, locked or ordered by is a column.

-- One person who left contact data. Absorbed leads stay for ever, as a redirect and because a split may bring them back.
CREATE TABLE lead (
    lead_id         text        PRIMARY KEY,
    made_at         timestamptz NOT NULL,   -- the record's time: of leads that become one, the first made survives
    made_by         text        NOT NULL,   -- the identifier that made it
    profile_version bigint      NOT NULL,
    absorbed_into   text,                   -- the survivor, never an absorbed lead itself
    state           bytea       NOT NULL    -- the claims that prevail, touches, user ids
) WITH (fillfactor = 70);
CREATE INDEX lead_absorbed ON lead (absorbed_into) WHERE absorbed_into IS NOT NULL;

-- An e-mail match key, user id, phone number or cookie: kind and value, separated by U+001F (user: property and id).
CREATE TABLE identifier (
    name    text  PRIMARY KEY,
    lead_id text,                           -- nobody's: a visitor's cookie, or a user id known from other people's events only
    ties    bytea NOT NULL                  -- what it was first seen with (binding.py); of a cookie its identifications (cookies.py)
) WITH (fillfactor = 80);
CREATE INDEX identifier_user ON identifier (split_part(name, U&'\001F', 3)) WHERE name LIKE 'user%';

-- Each event that counts, once, by its id. It is the evidence that everything else can be worked out from.
CREATE TABLE activity (
    event_id    uuid        PRIMARY KEY,
    lead_id     text,                       -- a visitor's is nobody's
    revision    int         NOT NULL,       -- how often it was sent; 0 for a visitor's
    occurred_at timestamptz NOT NULL,
    cookie      text,
    identified  boolean     NOT NULL,       -- names somebody itself, by more than a cookie
    happened    bytea       NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX activity_lead ON activity (lead_id, occurred_at) WHERE lead_id IS NOT NULL;
CREATE INDEX activity_cookie ON activity (cookie, occurred_at) WHERE cookie IS NOT NULL;

-- Which of these events count already. The locks make the answer hold until commit: whoever brings the same event at the same
-- moment on another partition waits here, and then sees it. A function, since only a statement that begins after the lock was
-- taken sees what the lock's last holder wrote.
CREATE FUNCTION kept_events(wanted uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(h)
       FROM (SELECT DISTINCT hashtextextended(id::text, 1) AS h FROM unnest(wanted) AS id ORDER BY h) AS locks;
    RETURN QUERY SELECT event_id FROM activity WHERE event_id = ANY (wanted);
END $$;

-- Locks these identifiers (known or not), then the leads that they name, each in one order for all, so that nobody waits in a
-- circle; returns the leads. When the leads were not the identifiers' any more by the time they were locked, it lets them go (the
-- block is a savepoint) and begins again with the larger set.
CREATE FUNCTION lock_people(wanted text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    theirs text[] := '{}';
    found  text[];
BEGIN
    PERFORM pg_advisory_xact_lock(h)
       FROM (SELECT DISTINCT hashtextextended(name, 2) AS h FROM unnest(wanted) AS name ORDER BY h) AS locks;
    LOOP
        SELECT coalesce(array_agg(DISTINCT lead_id), '{}') INTO found
          FROM identifier WHERE name = ANY (wanted) AND lead_id IS NOT NULL;
        theirs := ARRAY(SELECT DISTINCT id FROM unnest(theirs || found) AS id ORDER BY id);
        IF theirs = '{}' THEN
            RETURN theirs;
        END IF;
        BEGIN
            PERFORM FROM lead WHERE lead_id = ANY (theirs) ORDER BY lead_id FOR UPDATE;
            SELECT coalesce(array_agg(DISTINCT lead_id), '{}') INTO found
              FROM identifier WHERE name = ANY (wanted) AND lead_id IS NOT NULL;
            IF found <@ theirs THEN
                RETURN theirs;
            END IF;
            RAISE EXCEPTION USING ERRCODE = 'LF001', MESSAGE = 'the closure has grown';
        EXCEPTION WHEN SQLSTATE 'LF001' THEN
            NULL;
        END;
    END LOOP;
END $$;
