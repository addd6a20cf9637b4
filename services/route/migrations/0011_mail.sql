-- Mail: what is sent by the operator's server. In a schema of its own, which a store that is filled again from the topics keeps: so nothing is
-- mailed twice, and what is unknown of a mail stays known.
CREATE SCHEMA IF NOT EXISTS mail;

-- Since when this store sends mail. What was told before is not sent by it.
CREATE TABLE IF NOT EXISTS mail.began (
    id int         PRIMARY KEY DEFAULT 1 CHECK (id = 1),  -- one row
    at timestamptz NOT NULL
);

-- A mail, once by the event that is told by it. `turn` only grows and fences tries: who lost one to somebody else can't write it down.
CREATE TABLE IF NOT EXISTS mail.mail (
    mail_id    uuid        PRIMARY KEY,
    number     bigint      GENERATED ALWAYS AS IDENTITY,
    kind       text        NOT NULL,       -- nurture, magnet, notice, test
    lead_id    text        NOT NULL,
    track      text        NOT NULL,
    step       text        NOT NULL,
    content    text        NOT NULL,
    template   text        NOT NULL,
    subject    text        NOT NULL,       -- as the nurture document has it
    address    text        NOT NULL,
    data       bytea,                      -- the event as it came, while it may still be sent
    told_at    timestamptz NOT NULL,
    state      text        NOT NULL,       -- waiting, sending, sent, unknown, failed, skipped
    why        text        NOT NULL,
    tries      int         NOT NULL,
    turn       int         NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL,       -- of the next try; while one goes on, when it counts as dead
    ended_at   timestamptz
);
CREATE INDEX IF NOT EXISTS mail_due ON mail.mail (due_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX IF NOT EXISTS mail_lead ON mail.mail (lead_id, number);
CREATE INDEX IF NOT EXISTS mail_log ON mail.mail (state, number);
CREATE INDEX IF NOT EXISTS mail_ended ON mail.mail (ended_at) WHERE ended_at IS NOT NULL;

-- Each try: how far it came and the status that it ended with, no word of what was sent or answered.
CREATE TABLE IF NOT EXISTS mail.try (
    mail_id uuid        NOT NULL REFERENCES mail.mail ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    came_to text        NOT NULL,          -- the state after it
    why     text        NOT NULL,
    took_ms int         NOT NULL
);
CREATE INDEX IF NOT EXISTS try_of ON mail.try (mail_id, at);

-- What happened to a mail afterwards, once by the id of whatever says so; it is told on the topics as an activity and, where the address takes
-- no more, as a suppression.
CREATE TABLE IF NOT EXISTS mail.happened (
    event_id   uuid        PRIMARY KEY,
    mail_id    uuid        NOT NULL REFERENCES mail.mail ON DELETE CASCADE,
    what       text        NOT NULL,       -- opened, clicked, unsubscribed, bounced, complained, delayed
    at         timestamptz NOT NULL,
    url        text        NOT NULL,
    channel    text        NOT NULL,
    ip         text,                       -- gone once it is told, like the user agent
    user_agent text,
    suppress   boolean     NOT NULL,
    due_at     timestamptz NOT NULL,       -- when it is told, or told again
    told_at    timestamptz
);
CREATE INDEX IF NOT EXISTS happened_due ON mail.happened (due_at) WHERE told_at IS NULL;
CREATE INDEX IF NOT EXISTS happened_of ON mail.happened (mail_id, at);
