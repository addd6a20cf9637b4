-- The books: how each accepted event ended, by its id, and the sums by hour and property.

-- One row an event. What has ended is kept for as long as its topics are: a repeat of it must find that it counts already.
CREATE TABLE audit (
    event_id uuid     PRIMARY KEY,
    ending   smallint NOT NULL,       -- 0 in flight, 1 dead, 2 noted, 3 scored (domain/audit.py)
    at_ms    bigint   NOT NULL,       -- Kafka's time of the first record that said something of it, ms since 1970
    hour     int,                     -- when it was accepted, hours since 1970; absent while only its end is known, as all that follows
    property text,
    accepted_ms bigint,               -- Kafka's time of its record on leads.captured.v1
    part     int,
    place    bigint                   -- that record's offset
);
-- Few: what is in flight is found without a look at what has ended.
CREATE INDEX audit_open ON audit (accepted_ms) WHERE ending = 0;
-- What is old is forgotten in slices; rows come in the order of time.
CREATE INDEX audit_at ON audit USING brin (at_ms);

-- The sums. accepted is scored, noted, dead and what is in flight: the last is counted from `audit`, so that the two are held against each other.
CREATE TABLE book (
    hour     int    NOT NULL,
    property text   NOT NULL,
    accepted bigint NOT NULL,
    scored   bigint NOT NULL,
    noted    bigint NOT NULL,
    dead     bigint NOT NULL,
    PRIMARY KEY (hour, property)
);
