-- The event id first: it tells two rows apart at the first comparison, where the stage's name is the same in nearly all of them.
ALTER TABLE inbox DROP CONSTRAINT inbox_pkey, ADD PRIMARY KEY (event_id, stage);
