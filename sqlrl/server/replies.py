"""Replies: answers, errors and schemas as JSON that a browser reads right, and that tells nothing of the server."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlrl.server.charts import chart_of

if TYPE_CHECKING:
    from sqlrl.layer import Answer, Connection, Explanation, Retriever
    from sqlrl.layer.schema import Schema

__all__ = [
    "STOPPING",
    "Discretion",
    "answer_body",
    "as_json",
    "cell",
    "error_body",
    "explanation_body",
    "schema_body",
    "whole",
]

STOPPING = ("stopping", "the server is stopping: ask again in a moment")
_SAFE = 2**53  # JavaScript takes greater whole numbers for other ones
_DIGITS = 15  # of a decimal that a floating-point number holds as it was written


class Discretion:
    """What the server may be called by those who ask it: a database's file by its name and not its place, a policy by
    its model and not its address."""

    def __init__(self, connection: Connection | Retriever) -> None:
        self.source, places = _shown(connection.source)
        self.policy, addresses = _policy(connection.policy)
        # The longest first: a place may hold another.
        self._hidden = sorted((places | addresses).items(), key=lambda pair: -len(pair[0]))

    def text(self, words: str) -> str:
        """Words of an engine or a policy without places and addresses of the server."""
        for hidden, shown in self._hidden:
            words = words.replace(hidden, shown)
        return whole(words)


def answer_body(answer: Answer, discretion: Discretion, *, charted: bool = True) -> dict[str, Any]:
    """An answer; `chart` says whether, and how, its result is one to draw."""
    body: dict[str, Any] = cell(answer.to_dict())
    # The query and question are who asks' own words: only what others said is looked through.
    body["message"] = discretion.text(answer.message)
    body["warnings"] = [discretion.text(each) for each in answer.warnings]
    for attempt in body["attempts"]:
        attempt["message"] = discretion.text(attempt["message"])
    body["chart"] = chart_of(answer.columns, answer.rows) if charted and answer.ok and not answer.truncated else None
    return body


def explanation_body(explanation: Explanation, discretion: Discretion) -> dict[str, Any]:
    """An explanation."""
    body: dict[str, Any] = cell(explanation.to_dict())
    body["message"] = discretion.text(explanation.message)
    body["plan"] = [discretion.text(line) for line in explanation.plan]
    return body


def schema_body(schema: Schema) -> dict[str, Any]:
    """Tables and columns; key: whether it belongs to the primary key."""
    return {
        "tables": [
            {
                "name": whole(f"{table.schema}.{table.name}" if table.schema else table.name),
                "comment": "a view" if table.view else "",
                "columns": [
                    {
                        "name": whole(column.name), "type": whole(column.kind), "key": column.key,
                        "comment": whole(column.note),
                    }
                    for column in table.columns
                ],
            }
            for table in schema.tables
        ],
        "description": whole(schema.description),
    }  # fmt: skip


def error_body(code: str, message: str) -> dict[str, Any]:
    """An error: a word for programs and a sentence for people."""
    return {"error": {"code": code, "message": whole(" ".join(message.split()))}}


def as_json(body: Any) -> bytes:
    """Plain JSON, in UTF-8."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def cell(value: Any) -> Any:
    """What JSON has a word for and JavaScript reads as it is: text for dates, numbers of many digits, infinities and
    what is none, hexadecimal digits for bytes."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -_SAFE <= value <= _SAFE else _digits(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() and _is_short(value) else str(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [cell(item) for item in value]
    if isinstance(value, Mapping):
        return {whole(str(key)): cell(item) for key, item in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else whole(str(value))


def whole(text: str) -> str:
    """Without the halves of characters, for which UTF-8 has no bytes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # of thousands of digits, which Python does not write in one go
        return hex(value)


def _is_short(value: Decimal) -> bool:
    sign_digits_exponent = value.as_tuple()
    exponent = sign_digits_exponent.exponent
    return len(sign_digits_exponent.digits) <= _DIGITS and isinstance(exponent, int) and -_DIGITS <= exponent <= 0


def _shown(source: str) -> tuple[str, dict[str, str]]:
    """(a source without places, users and passwords; what else is not to be told -> what is told instead)."""
    scheme, found, rest = source.partition("://")
    bare = rest.partition("?")[0] if found else source
    if not found and ":" in source.partition("/")[0]:  # pubmed:?...
        return source.partition("?")[0], {}
    if found and not rest.startswith("/"):  # a server's
        parts = urlsplit(source.partition("?")[0])
        name = PurePath(parts.path).name
        return f"{scheme}://{parts.hostname or ''}/{name}", {source: name}
    name = PurePath(bare).name
    places = {bare, os.path.abspath(bare.removeprefix("/") if bare.startswith("//") else bare), os.path.realpath(bare)}
    folders = {os.path.dirname(place) + "/" for place in places if place.count("/") > 1}
    hidden = {source: name} | {place: name for place in places if "/" in place} | dict.fromkeys(folders, "")
    return (f"{scheme}:///{name}" if found else name), hidden


def _policy(name: str | None) -> tuple[str | None, dict[str, str]]:
    if name is None:
        return None, {}
    base, mark, model = name.partition("#")
    if mark and "://" in base:
        return model, {name: model, base: "the policy's server"}
    shown = PurePath(name).name or name
    return shown, ({name: shown} if shown != name else {})
