-- What a stage keeps of a lead: which event it saw last.
CREATE TABLE lead (stage text NOT NULL, lead_id text NOT NULL, event_id uuid NOT NULL, PRIMARY KEY (lead_id, stage));
