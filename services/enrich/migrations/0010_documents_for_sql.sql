-- A document of ours, for SQL to look into. Rows of before 2026-11-27 may hold escaped NULs, which Postgres reads as JSON and can't make text of, wherever
-- in the document they are: they become U+FFFD, as they do in what comes since.
CREATE FUNCTION document(kept bytea) RETURNS json LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN position('\u0000'::text IN whole) = 0 THEN whole
                ELSE regexp_replace(whole, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g') END::json
      FROM convert_from(kept, 'UTF8') AS whole
$$;
