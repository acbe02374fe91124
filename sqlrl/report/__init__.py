"""Reports: what a run measured, as a page with plots that needs nothing beside it."""

from sqlrl.report.figures import draw_plots
from sqlrl.report.page import headline, write_report

__all__ = ["draw_plots", "headline", "write_report"]
