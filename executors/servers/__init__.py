"""Servers: what guards a connection to PostgreSQL, MariaDB, MySQL or another server, and reads from it."""
