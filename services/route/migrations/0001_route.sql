-- What route keeps. A row of lead, queue or outcome_log is written only by the owner of its partition number; what leads of several
-- numbers share (accounts, pools, merges) only by whoever holds the gate (store.py).

-- Each lead: how far its scores are known, its episodes, its owner, and its last activities for the next handover.
CREATE TABLE lead (
    lead_id       text    PRIMARY KEY,
    part          int     NOT NULL,
    score_version bigint  NOT NULL,
    stage         text    NOT NULL,
    episode       int     NOT NULL,   -- the last entry into SQL
    handed        int     NOT NULL,   -- the last episode that was handed over
    owner         text,               -- of the latest handover
    queued        boolean NOT NULL,
    absorbed      text    NOT NULL,   -- leads that are now this one, by blanks
    recent        bytea   NOT NULL    -- domain/recent.py
) WITH (fillfactor = 70);
-- Long values are JSON that changes with every activity: compressing them each time costs more than the room.
ALTER TABLE lead ALTER COLUMN recent SET STORAGE EXTERNAL;

-- Each handover and where it stands.
CREATE TABLE handover (
    handover_id text        PRIMARY KEY,
    part        int         NOT NULL,
    lead_id     text        NOT NULL, -- whose it is now
    opened_for  text        NOT NULL, -- the lead in its name; a merge may move it
    episode     int         NOT NULL,
    attempt     int         NOT NULL,
    owner       text        NOT NULL,
    pool        text,
    state       text        NOT NULL,
    state_at    timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    document    bytea       NOT NULL  -- lead.handover as it was written
);
CREATE INDEX handover_lead ON handover (lead_id);
CREATE INDEX handover_opened_for ON handover (opened_for) WHERE opened_for <> lead_id;

-- Whose turn it is in each pool.
CREATE TABLE pool_member (
    pool   text   NOT NULL,
    member text   NOT NULL,
    level  bigint NOT NULL,           -- decides the turn; a newcomer starts at the others'
    given  bigint NOT NULL,           -- what the pool really gave
    PRIMARY KEY (pool, member)
) WITH (fillfactor = 50);

-- Whose each company is.
CREATE TABLE account (
    domain  text        PRIMARY KEY,
    owner   text        NOT NULL,
    lead_id text        NOT NULL,     -- whose handover made it so
    since   timestamptz NOT NULL
);

-- Leads that are another one since a merge.
CREATE TABLE absorbed (
    lead_id  text PRIMARY KEY,
    survivor text NOT NULL
);
CREATE INDEX absorbed_survivor ON absorbed (survivor);

-- Leads in SQL that nobody could be given to, and why.
CREATE TABLE queue (
    lead_id text        PRIMARY KEY,
    part    int         NOT NULL,
    episode int         NOT NULL,
    reason  text        NOT NULL,
    path    bytea       NOT NULL,
    since   timestamptz NOT NULL
);
CREATE INDEX queue_since ON queue (since, lead_id);

-- Every outcome that was reported, and what it came to.
CREATE TABLE outcome_log (
    command_id   uuid        PRIMARY KEY,
    part         int         NOT NULL,
    lead_id      text        NOT NULL,
    handover_id  text,
    outcome      text        NOT NULL,
    reason       text,
    amount       double precision,
    currency     text,
    reported_by  text,
    occurred_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    verdict      text        NOT NULL,
    state_before text,
    state_after  text
);
CREATE INDEX outcome_log_handover ON outcome_log (handover_id);
CREATE INDEX outcome_log_waiting ON outcome_log (lead_id) WHERE verdict = 'waiting';
