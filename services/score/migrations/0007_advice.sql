-- The signals about leads that a ruleset asked for when they came: inputs of their score as activities are, kept as they were used.
CREATE TABLE advice (
    lead_id    text        NOT NULL,
    name       text        NOT NULL,
    value      float8      NOT NULL,
    at         timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    known_at   timestamptz NOT NULL,
    life       int         NOT NULL,
    PRIMARY KEY (lead_id, known_at, name, at, value)
);
