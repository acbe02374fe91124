"""A client of HTTP that costs little beside the server it measures: one connection, kept, one call after another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["Caller"]

WAIT = 30.0  # seconds for one answer


class Caller:
    """address: of this machine, that the calls come from. headers: of every call."""

    def __init__(self, port: int, address: str, headers: Mapping[str, str]) -> None:
        self.port = port
        self.address = address
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Any) -> tuple[int, str]:
        """(status, text). OSError, EOFError or TimeoutError where there is no answer."""
        try:
            async with asyncio.timeout(WAIT):
                status, text = await self._post(path, json.dumps(body).encode())
        except BaseException:
            self.close()
            raise
        return status, text

    def close(self) -> None:
        """Give the connection back."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _post(self, path: str, body: bytes) -> tuple[int, str]:
        if self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing():
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        reader, writer = self._streams
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{self.headers}"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        told = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if told.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await reader.readline(), 16):
                parts.append(await reader.readexactly(size))
                await reader.readexactly(2)
            await reader.readexactly(2)
            text = b"".join(parts)
        else:
            text = await reader.readexactly(int(told.get("content-length", 0)))
        if told.get("connection") == "close":
            self.close()
        return int(lines[0].split()[1]), text.decode()
