"""Where work runs: one piece after another, on threads of this machine, or wherever a plug-in takes it."""

from __future__ import annotations

from cctview.execute.serial import SerialExecutor
from cctview.execute.threads import ThreadExecutor

__all__ = ["SerialExecutor", "ThreadExecutor"]
