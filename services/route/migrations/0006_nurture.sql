-- What is kept of a lead's nurture: where it is in tracks, what it got, what it is told by. One packed document a lead (domain/nurture/state.py),
-- beside what is looked for. A row is written by the owner of its number, and by a merge that takes it over, which has it locked.
CREATE TABLE nurture (
    lead_id     text  PRIMARY KEY,
    part        int   NOT NULL,
    data        bytea NOT NULL,
    steps       text  NOT NULL,        -- the tracks that it is in, each with its step: track/step, by blanks
    merges      int   NOT NULL         -- how often it was merged into another or let go again
) WITH (fillfactor = 70);
ALTER TABLE nurture ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE nurture SET (toast_tuple_target = 8160);

-- Every step that was taken: sent, or skipped and why. Written once.
CREATE TABLE nurture_step (
    event_id uuid        PRIMARY KEY,  -- of its record on leads.nurture.v1
    lead_id  text        NOT NULL,
    part     int         NOT NULL,
    track    text        NOT NULL,
    step     text        NOT NULL,
    content  text,
    channel  text,
    at       timestamptz NOT NULL,
    skipped  text,
    because  text,
    due_at   timestamptz
);
CREATE INDEX nurture_step_lead ON nurture_step (lead_id, at);

-- Who gets nothing more: a lead or an address (its hash), by one channel or, where it is empty, by all. Read by every number.
CREATE TABLE suppression (
    subject text        NOT NULL,      -- lead:<id> or address:<sha256>
    channel text        NOT NULL,
    why     text        NOT NULL,
    at      timestamptz NOT NULL,
    by      text        NOT NULL,
    PRIMARY KEY (subject, channel)
);

-- Who is, or was, in which audience, as they were hashed. `saved_in` is the transaction of the last change: what is exported since
-- a cursor are the changes of transactions that had ended, so that none is missed.
CREATE TABLE audience_member (
    audience  text        NOT NULL,
    lead_id   text        NOT NULL,
    email     text        NOT NULL,
    phone     text        NOT NULL,
    digits    text        NOT NULL,
    is_member boolean     NOT NULL,
    at        timestamptz NOT NULL,
    part      int         NOT NULL,
    saved_in  xid8        NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (audience, lead_id, email, phone)
);
CREATE INDEX audience_member_changed ON audience_member (audience, saved_in, lead_id);
-- Who else is in it under the same hash: two leads may have one address.
CREATE INDEX audience_member_email ON audience_member (audience, email) WHERE is_member AND email <> '';
CREATE INDEX audience_member_phone ON audience_member (audience, phone) WHERE is_member AND phone <> '';
