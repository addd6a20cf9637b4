-- Activities that people who became one, or fell apart, have still to tell: in slices, so that no transaction tells all that thousands of them say. One row for
-- an activity and a lead; the later one counts.
CREATE TABLE untold (
    lead_id   text        NOT NULL,   -- under which it is told
    event_id  uuid        NOT NULL,
    withdrawn boolean     NOT NULL,   -- that it left this lead
    revision  int         NOT NULL,
    history   boolean     NOT NULL,
    part      int         NOT NULL,   -- the number whose record caused it
    at        timestamptz NOT NULL,   -- the record's time
    seq       bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (lead_id, event_id, withdrawn)
);
CREATE INDEX untold_part ON untold (part, seq);
