"""What is asked, and what is right: benchmarks, judges and the grammar that writes questions."""

from __future__ import annotations

if __name__ != "sqlrl.benchmarks":
    raise ImportError("import sqlrl.benchmarks: a top-level 'benchmarks' would be a second copy of every class")
