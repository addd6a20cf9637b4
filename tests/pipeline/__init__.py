"""The real decisions of all services in a row, without a broker or a database: fast, and read as stories."""
