"""A bell: a pipe by which other threads wake the one that waits for many descriptors."""

from __future__ import annotations

import contextlib
import os

__all__ = ["Bell"]


class Bell:
    """reading: the descriptor to wait for."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self._writing, False)

    def ring(self) -> None:
        """Wake who waits. Rung twice before it is heard, it is heard once."""
        with contextlib.suppress(OSError):  # it is awake, or gone
            os.write(self._writing, b"r")

    def hear(self) -> None:
        """Be woken by whatever was rung until now."""
        with contextlib.suppress(BlockingIOError):
            while len(os.read(self.reading, 4096)) == 4096:
                pass

    def close(self) -> None:
        """Give both ends back. To be rung no more, unless by who holds the lock that it is closed under."""
        for descriptor in (self.reading, self._writing):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.reading = self._writing = -1
