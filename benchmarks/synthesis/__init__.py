"""Databases made from a schema and the queries that are asked of it: seeded rows, distilled to a test suite."""
