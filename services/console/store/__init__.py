"""The console's own Postgres: dead letters and the demo's page (`dead`), the books (`audit`). Nothing here decides."""
