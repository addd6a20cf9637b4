-- When a lead is to be looked at though nothing comes: not later than its state says, and often earlier, so that a lead to which much
-- happens is not written here each time.
CREATE TABLE review (
    lead_id text        PRIMARY KEY,
    part    int         NOT NULL,
    due_at  timestamptz NOT NULL
);
CREATE INDEX review_due ON review (part, due_at);
