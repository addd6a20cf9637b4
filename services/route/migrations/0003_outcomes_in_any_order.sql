-- What folding all outcomes of a handover anew needs: when it was withdrawn, which lead another one first became and when, and whether an outcome
-- named only a lead. Rows of before have none: a handover that stands as withdrawn was so at its state_at, a merge counts since ever,
-- and an outcome stays with the handover that it was given to.
ALTER TABLE handover ADD COLUMN withdrawn_at timestamptz;
ALTER TABLE absorbed ADD COLUMN joined text;
ALTER TABLE absorbed ADD COLUMN at timestamptz;
ALTER TABLE outcome_log ADD COLUMN by_lead boolean NOT NULL DEFAULT false;
-- The lead that an outcome is about: the one in its handover's name, or the one that was named.
CREATE INDEX outcome_log_about ON outcome_log
    ((CASE WHEN by_lead THEN lead_id ELSE coalesce(substring(handover_id FROM '^ho_(.*)_[0-9]+_[0-9]+$'), lead_id) END));
