"""The grammar that writes questions and queries over a schema, and rows for a schema."""
