-- Who an event is of that names nobody but a phone number, and them in full (the domain's Happened.by_number): the number under that name.
CREATE FUNCTION face(said json) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN said ->> 'email' IS NULL AND said ->> 'user' IS NULL AND json_array_length(coalesce(said -> 'externals', '[]')) = 0
                THEN concat_ws(U&'\001F', 'named', split_part(said ->> 'phone', U&'\001F', 2), said ->> 'called') END
     WHERE said ->> 'phone' IS NOT NULL AND said ->> 'called' IS NOT NULL
$$;

-- Those that were kept before, by the first event that named each, with the lead that they had; and that on the number itself, of the first twenty.
CREATE TEMP TABLE faced ON COMMIT DROP AS
SELECT DISTINCT ON (face(h)) face(h) AS name, h ->> 'phone' AS phone, lead_id, occurred_at, event_id,
       json_build_array(h ->> 'at', event_id::text) AS rank
  FROM activity CROSS JOIN LATERAL (SELECT document(happened) AS h) AS said
 WHERE identified AND position('"email":null,"user":null'::bytea IN happened) > 0 AND face(h) IS NOT NULL
 ORDER BY face(h), apart IS NOT NULL, occurred_at, event_id;
INSERT INTO identifier (name, lead_id, ties)
SELECT name, lead_id, convert_to(json_build_object('number', json_build_array(rank, phone))::text, 'UTF8') FROM faced;
UPDATE identifier AS i
   SET ties = convert_to((convert_from(i.ties, 'UTF8')::jsonb || f.ties)::text, 'UTF8')
  FROM (SELECT phone, jsonb_object_agg(name, json_build_array(rank, name)) AS ties
          FROM (SELECT *, row_number() OVER (PARTITION BY phone ORDER BY occurred_at, event_id) AS place FROM faced) AS one
         WHERE place <= 20 GROUP BY phone) AS f
 WHERE i.name = f.phone;
