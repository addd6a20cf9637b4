-- External ids are looked for without their system, as user ids are without their property; and a lead is shown what is asked about it.
CREATE INDEX identifier_external ON identifier (split_part(name, U&'\001F', -1)) WHERE name LIKE 'external%';
CREATE INDEX review_strong ON review (strong);
