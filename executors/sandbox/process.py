"""A worker's process, as its parent sees it: how it is started, and which pipes lead to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from sqlrl.executors.base import Limits
from sqlrl.executors.errors import SandboxError

__all__ = ["Launched", "Task", "Workplace", "launch"]

Task = tuple[object, ...]

# A fork amid a start would leave the child with ends of pipes that nobody knows of, and no end of file to be seen.
_STARTING = threading.Lock()
os.register_at_fork(before=_STARTING.acquire, after_in_parent=_STARTING.release, after_in_child=_STARTING.release)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a worker works on. engine: "module:class"; packages: what that imports beside the standard library. files:
    what its tasks may name as their source. tables: the only tables and views that a query may read; None for all."""

    engine: str
    files: tuple[str, ...]
    limits: Limits
    packages: tuple[str, ...] = ()
    tables: tuple[str, ...] | None = None


@dataclass(slots=True, eq=False)
class Launched:
    """A process that has been started. reading: where its frames come from; writing: where tasks go."""

    process: subprocess.Popen[bytes]
    reading: int
    writing: int

    def end(self) -> str:
        """Kill it, close the pipes and wait; its last words."""
        self.process.kill()
        for descriptor in (self.reading, self.writing):
            os.close(descriptor)
        words = b""
        if self.process.stderr is not None:
            words = self.process.stderr.read()
            self.process.stderr.close()
        self.process.wait()
        return words.decode("utf-8", "replace")


def launch(place: Workplace) -> Launched:
    """Start a worker, never by a fork: that is slow for a large trainer, and unsafe beside threads and CUDA."""
    with _STARTING:
        return _launch(place)


def _launch(place: Workplace) -> Launched:
    task_reading, task_writing = os.pipe()
    answer_reading, answer_writing = os.pipe()
    settings = {
        "engine": place.engine,
        "limits": asdict(place.limits),
        "files": place.files,
        "tables": place.tables,
        "parent": os.getpid(),
        "input": task_reading,
        "output": answer_writing,
    }
    # Where sqlrl and the engine's package lie, wherever the parent found them: -I keeps the environment and the working
    # folder out, -S the site's own start-up code.
    root = str(Path(sys.modules["sqlrl"].__file__ or "").resolve().parent.parent)
    roots = list(dict.fromkeys([root, *map(_folder_of, place.packages)]))
    code = f"import sys; sys.path[:0] = {roots!r}; from sqlrl.executors.sandbox.worker import main; main()"
    try:
        with _memory_file() as file:  # an argument holds 128 KiB, less than the names of a thousand files
            file.write(json.dumps(settings).encode())
            file.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", code],
                stdin=file,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(task_reading, answer_writing),
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                cwd="/",
            )
    except OSError as error:
        for descriptor in (task_writing, answer_reading):
            os.close(descriptor)
        raise SandboxError(f"a worker cannot be started: {error}") from None
    finally:
        os.close(task_reading)
        os.close(answer_writing)
    return Launched(process, answer_reading, task_writing)


def _memory_file() -> IO[bytes]:
    """A file without a name; in memory where the system has such, since a disk may be full."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("sqlrl"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _folder_of(package: str) -> str:
    """Where a package lies, without importing it."""
    import importlib.util

    found = importlib.util.find_spec(package)
    if found is None or not found.origin:
        raise SandboxError(f"{package} is not installed: pip install {package}")
    return str(Path(found.origin).resolve().parent.parent)
