"""The report of a run: numbers with intervals, plots, and a page that shows them."""

from __future__ import annotations

from sqlrl.report.page import write_report

__all__ = ["write_report"]
