"""How long a command line takes to start: `sqlrl --help` and `import sqlrl`, beside Python itself and click."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import click": [sys.executable, "-c", "import click"],
    "import sqlrl": [sys.executable, "-c", "import sqlrl"],
    "sqlrl --help": [sys.executable, "-m", "sqlrl", "--help"],
    "sqlrl train --help": [sys.executable, "-m", "sqlrl", "train", "--help"],
    "import trl": [sys.executable, "-W", "ignore", "-c", "from trl import GRPOTrainer"],
}
ROUNDS = 11


def main() -> None:
    """Rounds over all commands, so that a busy moment hits each alike; median and range in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for round_number in range(ROUNDS):
        for name, command in COMMANDS.items():
            if name == "import trl" and round_number >= 3:
                continue
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            taken[name].append(1000 * (time.perf_counter() - started))
    for name, milliseconds in taken.items():
        print(
            f"{name:20} {statistics.median(milliseconds):8.0f} ms   [{min(milliseconds):.0f}, {max(milliseconds):.0f}]"
        )


if __name__ == "__main__":
    main()
