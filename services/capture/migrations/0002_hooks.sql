-- Kinds of keys, the life of a property, vendors' hooks with their secrets, and the leads of which only ids came.

ALTER TABLE property
    ADD COLUMN state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'paused', 'deleted'));

ALTER TABLE write_key
    ADD COLUMN kind text NOT NULL DEFAULT 'any' CHECK (kind IN ('any', 'browser', 'server'));

-- What a property's owner set up for a vendor. `field_map` is the generic hook's (JSON); `base_url` and `api_version` are for
-- fetching leads, where the vendor's own are not wanted.
CREATE TABLE hook (
    property    text        NOT NULL REFERENCES property ON DELETE CASCADE,
    vendor      text        NOT NULL,
    field_map   text,
    base_url    text,
    api_version text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (property, vendor)
);

-- A vendor's signature can only be checked with the secret itself, so here, other than with write keys, it stands as it is.
CREATE TABLE hook_secret (
    property text  NOT NULL,
    vendor   text  NOT NULL,
    name     text  NOT NULL, -- what for: signing, shared, verify-token, access-token
    rank     int   NOT NULL, -- the current one is 0
    secret   bytea NOT NULL,
    PRIMARY KEY (property, vendor, name, rank),
    FOREIGN KEY (property, vendor) REFERENCES hook ON DELETE CASCADE
);

CREATE TRIGGER hook_changed AFTER INSERT OR UPDATE OR DELETE ON hook
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_properties();

-- What a vendor told by ids only: of a lead, until its content was fetched, and then who it is (a person key, which tells nothing); or
-- that a lead was deleted, which concerns that person.
CREATE TABLE notice (
    property    text        NOT NULL,
    vendor      text        NOT NULL,
    message_id  text        NOT NULL, -- names the lead's event
    kind        text        NOT NULL CHECK (kind IN ('lead', 'withdrawal')),
    said        bytea       NOT NULL, -- vendors.vendor.Fetch or Withdrawn, as JSON
    heard_at    timestamptz NOT NULL, -- when it told
    state       text        NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'done', 'dead')),
    tries       int         NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    person      text,
    PRIMARY KEY (property, vendor, message_id)
);
CREATE INDEX notice_due ON notice (due_at) WHERE state = 'due';
