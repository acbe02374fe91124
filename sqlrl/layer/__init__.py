"""The layer that apps embed: a question in, a query and its rows out, behind walls, by a deadline."""

from __future__ import annotations

from sqlrl.layer.answer import Answer, Attempt
from sqlrl.layer.connection import Connection, connect
from sqlrl.layer.explanation import Explanation
from sqlrl.layer.retrieval import Retriever
from sqlrl.layer.settings import Settings
from sqlrl.layer.suggestions import Suggestion

__all__ = ["Answer", "Attempt", "Connection", "Explanation", "Retriever", "Settings", "Suggestion", "connect"]
