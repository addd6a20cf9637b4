-- Documents that a service decides by (rulesets, routing, nurture): every text that was ever published or drafted. A version is the hash of
-- its text, so a row never changes but for who gave it first; kept for ever.
CREATE TABLE document (
    kind     text        NOT NULL,
    version  text        NOT NULL,
    id       text        NOT NULL,       -- what the document calls itself
    text     text        NOT NULL,
    author   text,
    note     text,
    known_at timestamptz NOT NULL,       -- Kafka's time of the first record that brought it
    PRIMARY KEY (kind, version)
);

-- What each number was told, and when: of those that are no drafts the latest that is not after a record is in force for it.
CREATE TABLE publication (
    kind        text        NOT NULL,
    part        int         NOT NULL,
    seq         bigint      NOT NULL,    -- the offset of its record on leads.commands.v1
    version     text        NOT NULL,
    in_force_at timestamptz NOT NULL,    -- Kafka's time of the record
    is_draft    boolean     NOT NULL,
    command_id  uuid        NOT NULL,
    author      text,
    note        text,
    options     text        NOT NULL,    -- JSON
    PRIMARY KEY (kind, part, seq)
);
CREATE INDEX publication_command ON publication (command_id);
