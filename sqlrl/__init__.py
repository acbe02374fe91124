"""The front door of sqlrl: train, judge and embed small language models that write queries."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

__version__ = "0.1.0"
__all__ = ["__version__"]

# In an installed tree `sqlrl/executors` and `sqlrl/benchmarks` lie beside this file. In a plain checkout they stand at
# the root of the repository, and this finder shows exactly those two names and nothing else of that folder.
_ROOT_FLOORS = {"sqlrl.executors": "executors", "sqlrl.benchmarks": "benchmarks"}


class _CheckoutFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        folder_name = _ROOT_FLOORS.get(fullname)
        if folder_name is None:
            return None
        folder = Path(__file__).resolve().parent.parent / folder_name
        return importlib.util.spec_from_file_location(
            fullname, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )


if not (Path(__file__).resolve().parent / "executors").is_dir():
    sys.meta_path.insert(0, _CheckoutFinder())
