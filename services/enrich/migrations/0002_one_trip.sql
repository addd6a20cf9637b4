-- Fewer round trips, and rows that are written as they come.

-- Locks these identifiers (known or not), then the leads that they name, each in one order for all, so that nobody waits in a
-- circle; returns the identifiers with their leads. When the leads were not the
-- identifiers' any more by the time they were locked, it lets them go (the block is a savepoint) and begins again with the larger set.
DROP FUNCTION lock_people(text[]);
CREATE FUNCTION people(wanted text[]) RETURNS TABLE (
    name text, ties bytea, lead_id text, made_at timestamptz, made_by text, profile_version bigint, absorbed_into text, state bytea
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    theirs text[] := '{}';
    found  text[];
BEGIN
    PERFORM pg_advisory_xact_lock(h)
       FROM (SELECT DISTINCT hashtextextended(w, 2) AS h FROM unnest(wanted) AS w ORDER BY h) AS locks;
    LOOP
        SELECT coalesce(array_agg(DISTINCT i.lead_id), '{}') INTO found
          FROM identifier AS i WHERE i.name = ANY (wanted) AND i.lead_id IS NOT NULL;
        theirs := ARRAY(SELECT DISTINCT id FROM unnest(theirs || found) AS id ORDER BY id);
        EXIT WHEN theirs = '{}';
        BEGIN
            PERFORM FROM lead AS l WHERE l.lead_id = ANY (theirs) ORDER BY l.lead_id FOR UPDATE;
            SELECT coalesce(array_agg(DISTINCT i.lead_id), '{}') INTO found
              FROM identifier AS i WHERE i.name = ANY (wanted) AND i.lead_id IS NOT NULL;
            IF NOT found <@ theirs THEN
                RAISE EXCEPTION USING ERRCODE = 'LF001', MESSAGE = 'the closure has grown';
            END IF;
            EXIT;
        EXCEPTION WHEN SQLSTATE 'LF001' THEN
            NULL;
        END;
    END LOOP;
    RETURN QUERY
        SELECT i.name, i.ties, i.lead_id, l.made_at, l.made_by, l.profile_version, l.absorbed_into, l.state
          FROM identifier AS i LEFT JOIN lead AS l USING (lead_id) WHERE i.name = ANY (wanted);
END $$;

-- A document of one activity or lead is 1 to 3 KB. Postgres would squeeze each of more than 2 KB, when it is written and again when it
-- is read; so that only unusual ones pay for it, the row may be as large as a page takes.
ALTER TABLE lead SET (toast_tuple_target = 8160);
ALTER TABLE activity SET (toast_tuple_target = 8160);
