"""The only place where the stages meet: frames -> detections -> embeddings -> tracklets -> matches -> journeys."""

from __future__ import annotations

from cctview.pipeline.analysing import Analysis, analyse
from cctview.pipeline.discovering import found_in, verdict_on
from cctview.pipeline.linking import link
from cctview.pipeline.report import RunReport
from cctview.pipeline.running import Run, run
from cctview.pipeline.settings import RunSettings

__all__ = ["Analysis", "Run", "RunReport", "RunSettings", "analyse", "found_in", "link", "run", "verdict_on"]
