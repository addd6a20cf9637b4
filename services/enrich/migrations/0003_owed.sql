-- What a rebuild decides when it is over for all numbers: events that the topic does not tell of, and records of which another one under the
-- same id counted at first (they count only if that one never comes).
CREATE TABLE owed (
    event_id uuid        PRIMARY KEY,
    part     int         NOT NULL,
    at       timestamptz NOT NULL,   -- the record's time
    happened bytea       NOT NULL
);
