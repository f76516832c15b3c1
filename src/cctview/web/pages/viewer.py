"""The still with its boxes and its time bar; scrubbing, hovering and playing happen in the browser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nicegui.element import Element

from cctview.web.model import answers

__all__ = ["Viewer"]

Size = tuple[int, int]


class Viewer(Element, component="../static/viewer.js"):
    """Show one camera's stills.

    Emits ``pick`` with ``detection`` and ``tracklet``, and ``edge`` with ``time`` and ``way`` (-1 or 1)
    when someone steps beyond the first or the last still.
    """

    def __init__(self, zone: str) -> None:
        super().__init__()
        self._props["zone"] = zone
        self._props["reel"] = {"frames": [], "first": None}

    def watch(self, camera: answers.Camera, frames: Sequence[answers.Still], first: str | None, size: Size) -> None:
        """Show these stills of a camera, beginning with ``first``; ``size`` is their width and height.

        Without a first one the viewer stays at its still, or goes on to the newest if it stood at the last.
        """
        self._props["width"], self._props["height"] = size
        self._props["name"] = camera.name
        listed = [[still.id, round(still.time.timestamp() * 1000)] for still in frames]
        self._props["reel"] = {"frames": listed, "first": first}

    def select(self, tracklet: str | None, frames: Iterable[str]) -> None:
        """Light the boxes of one vehicle, and mark the stills it is in on the time bar."""
        self._props["selected"] = tracklet
        self._props["sightings"] = list(frames)

    def play(self, steps: Sequence[dict[str, Any]]) -> None:
        """Show stills of several cameras one after another, telling the map about every leg."""
        self._props["tour"] = list(steps)
