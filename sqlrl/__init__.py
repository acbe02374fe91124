"""The front door of sqlrl: train, judge and embed small language models that write queries."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.layer import Answer, Connection, connect

__version__ = "0.1.0"
__all__ = ["Answer", "Connection", "__version__", "connect"]

# In an installed tree `sqlrl/executors` and `sqlrl/benchmarks` lie beside this file. In a plain checkout they stand at
# the root of the repository, and this finder shows exactly those two names and nothing else of that folder.
_ROOT_FLOORS = {"sqlrl.executors": "executors", "sqlrl.benchmarks": "benchmarks"}


class _CheckoutFinder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        folder_name = _ROOT_FLOORS.get(fullname)
        if folder_name is None:
            return None
        folder = os.path.join(os.path.dirname(_HERE), folder_name)
        return importlib.util.spec_from_file_location(
            fullname, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
        )


# Every worker imports this file first: what it imports, each start waits for.
_HERE = os.path.dirname(os.path.realpath(__file__))
if not os.path.isdir(os.path.join(_HERE, "executors")):
    sys.meta_path.insert(0, _CheckoutFinder())


def __getattr__(name: str) -> Any:
    """The layer's names, imported when one is first asked for."""
    if name not in ("Answer", "Connection", "connect"):
        raise AttributeError(f"module 'sqlrl' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("sqlrl.layer"), name)
