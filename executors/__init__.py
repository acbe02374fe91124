"""Who runs a query, and what came back: the floor that everything else stands on."""

from __future__ import annotations

if __name__ != "sqlrl.executors":
    raise ImportError("import sqlrl.executors: a top-level 'executors' would be a second copy of every class")
