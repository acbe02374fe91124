"""`python -m sqlrl` is `sqlrl`."""

from sqlrl.cli import main

main()
