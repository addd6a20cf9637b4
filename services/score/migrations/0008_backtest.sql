-- What drafts would change: one row a backtest, its two texts, how far it is, and what it found.
CREATE TABLE backtest (
    backtest_id uuid        PRIMARY KEY,
    asked_at    timestamptz NOT NULL,
    at          timestamptz NOT NULL,  -- the moment as of which leads are looked at
    before      text        NOT NULL,  -- the ruleset that the draft is compared with
    after       text        NOT NULL,  -- the draft
    status      text        NOT NULL,  -- waiting, running, done, failed, cancelled
    reason      text,                  -- why it failed
    leads       bigint      NOT NULL DEFAULT 0,
    done        bigint      NOT NULL DEFAULT 0,
    beat_at     timestamptz NOT NULL,  -- the last sign of life of the instance that runs it
    report      bytea                  -- what it found, JSON
);

-- Its leads, piece by piece in the order of their ids: JSON, one line each.
CREATE TABLE backtest_piece (
    backtest_id uuid  NOT NULL REFERENCES backtest ON DELETE CASCADE,
    piece       int   NOT NULL,
    rows        bytea NOT NULL,
    PRIMARY KEY (backtest_id, piece)
);
