"""Official scripts: loaded from a user's own checkout, to run beside ours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

__all__ = ["load_script"]


def load_script(file: str) -> Any:
    """A script as a module, with its neighbours in reach."""
    path = Path(file).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(f"official_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # what is sent to its processes is found by this name
    spec.loader.exec_module(module)
    return module
