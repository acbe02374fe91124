"""Frames: pandas, polars and Arrow tables as a source: each is written once to a Parquet file, which is then asked."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlrl.executors.errors import DataError, MissingExtraError, UsageError

__all__ = ["Frames", "are_frames"]


def are_frames(source: Any) -> bool:
    """Whether a source is a frame, or a mapping of names to frames."""
    if isinstance(source, Mapping):
        return bool(source) and all(are_frames(frame) for frame in source.values())
    return hasattr(source, "to_parquet") or hasattr(source, "write_parquet") or type(source).__module__ == "pyarrow.lib"


class Frames:
    """A folder with a file for each frame, readable by its owner alone, until `close`. What is changed in a frame
    afterwards is not seen. A frame alone is the table `frame`."""

    def __init__(self, source: Any) -> None:
        frames = dict(source) if isinstance(source, Mapping) else {"frame": source}
        self.folder = Path(tempfile.mkdtemp(prefix="sqlrl-frames-"))
        try:
            for name, frame in frames.items():
                if not isinstance(name, str) or not name or "/" in name or name.startswith(".") or "\0" in name:
                    raise UsageError(f"a frame's name is that of a table, not {name!r}")
                self._write(frame, self.folder / f"{name}.parquet")
        except BaseException:
            self.close()
            raise
        self.source = f"parquet:///{self.folder}"

    def close(self) -> None:
        """Remove the files. Closing twice does nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _write(frame: Any, path: Path) -> None:
        try:
            if hasattr(frame, "write_parquet"):  # polars
                frame.write_parquet(path)
            elif hasattr(frame, "to_parquet"):  # pandas
                frame.to_parquet(path, index=False)
            else:
                import pyarrow.parquet

                pyarrow.parquet.write_table(frame, path)
        except ImportError:
            raise MissingExtraError("pyarrow", "frames") from None
        except (ValueError, TypeError) as error:
            raise DataError(f"the frame {path.stem} cannot be written: {' '.join(str(error).split())}") from None
