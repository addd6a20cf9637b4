-- The company that a lead is of: the registered domain in its profile. It follows `state`; absorbed leads have none, as they have no profile.
ALTER TABLE lead ADD COLUMN account text COLLATE "C";
UPDATE lead SET account = (
    SELECT voice.value -> 1 -> 'company.domain' ->> 2
      FROM json_each(convert_from(state, 'UTF8')::json -> 'voices') AS voice
     WHERE voice.value -> 1 -> 'company.domain' IS NOT NULL)
 WHERE absorbed_into IS NULL AND position('company.domain'::bytea IN state) > 0;
CREATE INDEX lead_account ON lead (account, made_at, lead_id) WHERE account IS NOT NULL;
