-- What a ruleset that runs in the shadow of the live one makes of leads: an observation, made anew again and again, that nothing depends on.
CREATE TABLE shadow (
    lead_id    text        PRIMARY KEY,
    version    text        NOT NULL,     -- of the document
    live_stage text        NOT NULL,
    live_total int         NOT NULL,     -- hundredths
    stage      text        NOT NULL,
    total      int         NOT NULL,
    since      timestamptz NOT NULL,     -- when it came into that stage
    entries    int         NOT NULL,     -- how often it entered SQL in the shadow
    looked_at  timestamptz NOT NULL
);
