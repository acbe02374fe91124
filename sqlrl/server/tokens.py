"""Tokens: the secrets that clients show, and whose they are."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

from sqlrl.executors.errors import UsageError

__all__ = ["Tokens"]

_LINE = re.compile(r"(?:(?P<name>\S+)\s+)?(?P<token>[!-~]+)")
_BEARER = re.compile(r"bearer +([!-~]+) *", re.IGNORECASE)


class Tokens:
    """tokens: secret -> the name of who holds it, empty where none was given. Only hashes are kept."""

    def __init__(self, tokens: dict[str, str]) -> None:
        self._names = [(hashlib.sha256(token.encode()).digest(), name) for token, name in tokens.items()]

    def __len__(self) -> int:
        return len(self._names)

    @classmethod
    def read(cls, file: Path) -> Tokens:
        """A token a line, or a name and a token with a space between; what begins with # is a comment. UsageError where
        there is none."""
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            raise UsageError(f"the token file {file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"the token file {file} cannot be read: it is not UTF-8") from None
        return cls._of([(f"{file}, line {n}", line) for n, line in enumerate(lines, 1) if line.strip()])

    @classmethod
    def of(cls, text: str, where: str) -> Tokens:
        """One token, as an environment's variable has it."""
        return cls._of([(where, text)])

    @classmethod
    def _of(cls, lines: list[tuple[str, str]]) -> Tokens:
        found: dict[str, str] = {}
        for where, line in lines:
            if line.lstrip().startswith("#"):
                continue
            read = _LINE.fullmatch(line.strip())
            if read is None:  # the line is not shown: it may be a secret
                raise UsageError(f"{where}: a token is a word of letters, digits and signs, after a name or alone")
            if read["token"] in found:
                raise UsageError(f"{where}: the same token again")
            found[read["token"]] = read["name"] or ""
        if not found:
            raise UsageError("there is no token in the token file")
        return cls(found)

    def find(self, header: str | None) -> str | None:
        """Whose token an Authorization header shows, None where it is nobody's. Takes as long for every one."""
        shown = _BEARER.fullmatch(header or "")
        given = hashlib.sha256((shown[1] if shown else "").encode()).digest()
        found = None
        for known, name in self._names:
            if hmac.compare_digest(known, given):
                found = name
        return found if shown else None
