-- One database per service and two roles to it: <service>_owner makes and changes the tables (migrations, rebuilds), <service> reads and
-- writes rows and nothing else. Neither reaches another service's database. Repeating the file changes nothing but passwords.
--
-- Run it as a superuser with psql 15 or newer. The passwords come from the environment, so that no list of processes shows them:
--   CAPTURE_PASSWORD=... CAPTURE_OWNER_PASSWORD=... (likewise enrich, score, route, console) psql -v ON_ERROR_STOP=1 -f roles.sql postgres

\getenv capture CAPTURE_PASSWORD
\getenv enrich ENRICH_PASSWORD
\getenv score SCORE_PASSWORD
\getenv route ROUTE_PASSWORD
\getenv console CONSOLE_PASSWORD
\getenv capture_owner CAPTURE_OWNER_PASSWORD
\getenv enrich_owner ENRICH_OWNER_PASSWORD
\getenv score_owner SCORE_OWNER_PASSWORD
\getenv route_owner ROUTE_OWNER_PASSWORD
\getenv console_owner CONSOLE_OWNER_PASSWORD

-- The ten roles, where they are missing.
SELECT format('CREATE ROLE %I LOGIN', service || suffix)
FROM unnest(ARRAY['capture', 'enrich', 'score', 'route', 'console']) AS service, unnest(ARRAY['', '_owner']) AS suffix
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service || suffix) \gexec

-- Their passwords; a role can do nothing beyond its own database, and can't stay connected for ever in the middle of a transaction.
ALTER ROLE capture PASSWORD :'capture' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 60;
ALTER ROLE enrich PASSWORD :'enrich' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 60;
ALTER ROLE score PASSWORD :'score' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 60;
ALTER ROLE route PASSWORD :'route' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 60;
ALTER ROLE console PASSWORD :'console' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 60;
ALTER ROLE capture_owner PASSWORD :'capture_owner' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 5;
ALTER ROLE enrich_owner PASSWORD :'enrich_owner' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 5;
ALTER ROLE score_owner PASSWORD :'score_owner' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 5;
ALTER ROLE route_owner PASSWORD :'route_owner' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 5;
ALTER ROLE console_owner PASSWORD :'console_owner' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 5;

-- The five databases, where they are missing.
SELECT format('CREATE DATABASE %I OWNER %I', service, service || '_owner')
FROM unnest(ARRAY['capture', 'enrich', 'score', 'route', 'console']) AS service
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = service) \gexec

-- Where a service owned its database before, as on a stack whose services migrate themselves, it does so no longer.
SELECT format('ALTER DATABASE %I OWNER TO %I', service, service || '_owner')
FROM unnest(ARRAY['capture', 'enrich', 'score', 'route', 'console']) AS service \gexec

-- Nobody connects anywhere without being named.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM pg_database WHERE datname <> 'template0' \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', service, service)
FROM unnest(ARRAY['capture', 'enrich', 'score', 'route', 'console']) AS service \gexec

-- In each database: what the owner makes, now and later, its service may read and write; it may make nothing itself.
\connect capture
\ir grants.sql
\connect enrich
\ir grants.sql
\connect score
\ir grants.sql
\connect route
\ir grants.sql
\connect console
\ir grants.sql
