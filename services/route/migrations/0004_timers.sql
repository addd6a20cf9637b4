-- What falls due when: deadlines of handovers, waits in the queue, steps of nurture. A row is written by the owner of its partition number, or by
-- whoever holds the gate (a merge takes a lead's handovers to another number).
CREATE TABLE timer (
    lead_id text        NOT NULL,
    part    int         NOT NULL,
    kind    text        NOT NULL,   -- what happens then: domain/timers.py
    key     text        NOT NULL,   -- of which handover, enrolment ... of the lead
    due_at  timestamptz NOT NULL,
    PRIMARY KEY (lead_id, kind, key)
);
CREATE INDEX timer_due ON timer (part, due_at);
