-- A lead's data and state as one document, msgpack [profile_version, profile, first_touch, last_touch, state], and no column that
-- no statement looks at. It stays in its row, uncompressed up to a page: pglz costs more than all the rest of a row's way.
ALTER TABLE lead ADD COLUMN data bytea;
UPDATE lead SET data = '\x95'::bytea
    || '\xd3' || int8send(profile_version)                  -- d3: int64
    || '\xc6' || int4send(length(profile)) || profile       -- c6: bytes, their length in 32 bits
    || '\xc6' || int4send(length(first_touch)) || first_touch
    || '\xc6' || int4send(length(last_touch)) || last_touch
    || state;
ALTER TABLE lead
    ALTER COLUMN data SET NOT NULL,
    ALTER COLUMN data SET STORAGE EXTERNAL,
    DROP COLUMN profile_version,
    DROP COLUMN profile,
    DROP COLUMN first_touch,
    DROP COLUMN last_touch,
    DROP COLUMN state,
    DROP COLUMN fingerprint,
    DROP COLUMN newest_at,
    DROP COLUMN newest_id,
    DROP COLUMN stage,
    DROP COLUMN total;
ALTER TABLE lead SET (toast_tuple_target = 8160);

ALTER TABLE activity
    DROP COLUMN occurred_at,                                -- it stands in the body
    ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE activity SET (toast_tuple_target = 8160);
