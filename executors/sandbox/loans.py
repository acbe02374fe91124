"""Loans: workers that are given to one caller alone, for as long as he reads from them."""

from __future__ import annotations

import threading
from collections import deque

from sqlrl.executors.errors import SandboxError
from sqlrl.executors.sandbox.process import Launched

__all__ = ["Loans"]


class _Loan:
    def __init__(self) -> None:
        self.worker: Launched | None = None
        self.error = ""
        self.left = False
        self.done = threading.Event()


class Loans:
    """Who waits for a worker, and which are out. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Loan] = deque()
        self.lent: set[Launched] = set()

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def ask(self) -> _Loan:
        """Get in line. `receive` waits for the worker."""
        loan = _Loan()
        self._waiting.append(loan)
        return loan

    def receive(self, loan: _Loan) -> Launched:
        """The worker. Raises SandboxError where there will be none. Who is interrupted meanwhile gets none."""
        try:
            loan.done.wait()
        except BaseException:
            self._leave(loan)
            raise
        if loan.worker is None:
            raise SandboxError(loan.error)
        return loan.worker

    def grant(self, worker: Launched) -> None:
        """Give a worker to the first in line."""
        with self._lock:
            self.lent.add(worker)
            loan = self._waiting.popleft()
            loan.worker = worker
            left = loan.left
        loan.done.set()
        if left:
            self.take_back(worker)

    def take_back(self, worker: Launched) -> None:
        """End a worker that was lent. One that has seen a query isn't used again: the spare is warm anyway."""
        with self._lock:
            if worker not in self.lent:
                return
            self.lent.discard(worker)
        worker.end()

    def _leave(self, loan: _Loan) -> None:
        with self._lock:
            loan.left = True
            worker = loan.worker
        if worker is not None:
            self.take_back(worker)

    def fail(self, error: str) -> None:
        """Nobody in line gets one."""
        while self._waiting:
            loan = self._waiting.popleft()
            loan.error = error
            loan.done.set()

    def kill(self) -> None:
        """End those that are out; whoever reads from one sees its end, and takes it back."""
        with self._lock:
            for worker in self.lent:
                worker.process.kill()
