-- The web properties that may send, the hashes of their write keys, and the spool.

CREATE TABLE property (
    property      text        PRIMARY KEY,          -- its id, made of the name
    name          text        NOT NULL,
    origins       text[]      NOT NULL DEFAULT '{}', -- whose scripts may read our answers (CORS); none: any
    thank_you_url text,                              -- where a browser goes after a form
    country       text        CHECK (country ~ '^[A-Z]{2}$'),
    quota         bigint      CHECK (quota > 0),     -- events a day
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- A write key itself is nowhere: it is shown once, then only its SHA-256 and its beginning are known.
CREATE TABLE write_key (
    hash       bytea       PRIMARY KEY,
    property   text        NOT NULL REFERENCES property ON DELETE CASCADE,
    prefix     text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (property, prefix)
);

-- Every instance hears of a change at once.
CREATE FUNCTION tell_of_properties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('properties', '');
    RETURN NULL;
END $$;
CREATE TRIGGER property_changed AFTER INSERT OR UPDATE OR DELETE ON property
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_properties();
CREATE TRIGGER write_key_changed AFTER INSERT OR UPDATE OR DELETE ON write_key
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_properties();

-- What was accepted while Kafka could not take it: the messages of one flight and partition, packed, in the order of ids.
CREATE TABLE spool (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text        NOT NULL,
    part       int         NOT NULL,
    events     int         NOT NULL,
    messages   bytea       NOT NULL,
    spooled_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX spool_lane ON spool (topic, part, id);
ALTER TABLE spool ALTER COLUMN messages SET STORAGE EXTERNAL;

-- Who drains a partition's rows, and until when nobody else may.
CREATE TABLE spool_lease (
    topic      text        NOT NULL,
    part       int         NOT NULL,
    holder     text        NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (topic, part)
);
