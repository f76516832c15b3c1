"""Follow: from a camera on the map to a vehicle, and from camera to camera with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from nicegui import run, ui
from nicegui.events import GenericEventArguments

from cctview.errors import CctviewError
from cctview.web.model import answers
from cctview.web.model.chain import Chain, Leg, largest
from cctview.web.model.reading import Reading
from cctview.web.model.wording import Clock
from cctview.web.pages import answering, column
from cctview.web.pages.map import RoadMap
from cctview.web.pages.site import Site
from cctview.web.pages.theme import dressed, html, panel
from cctview.web.pages.viewer import Viewer

__all__ = ["show"]

_WINDOW = timedelta(minutes=10)
_MOST_STILLS = 2000
_RENEWED_S = 2.0
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_TOP = 5
_JOURNEYS = 50
_USUAL_SIZE = (352, 240)
_LEG_MS = (700, 2600)
_MS_PER_SECOND = 60
# A click anywhere in a list of answers is told by the button it fell on.
_PRESSED = "(e) => { const b = e.target.closest('[data-emit]'); if (b) emit(b.dataset.emit); }"

_VALUE = "(e) => emit(e.target.value)"
# Whoever chose by keyboard goes on at the answers; their focus went away with what they chose.
_FOCUS = """
const at = document.activeElement;
if (at === document.body || at.closest(".boxes")) document.querySelector(".candidate")?.focus({ preventScroll: true });
"""


def show(site: Site, camera: str | None = None, tracklet: str | None = None, journey: str | None = None) -> None:
    """Lay the page out, and open it on a journey, a vehicle, a camera, or the first camera with stills."""
    with dressed("Follow", "follow-main"):
        html(column.TITLE)
        if site.reading.span() is None:
            html(column.NO_STILLS)
            return
        walk = Follow(site.reading, site.tiles)
    walk.open(camera, tracklet, journey)


class Follow:
    """One visitor's walk down the road: a camera, a chain of sightings, and the answers for its active one."""

    def __init__(self, reading: Reading, tiles: str | None) -> None:
        self._reading, self._clock = reading, Clock(reading.timezone)
        self._cameras = {camera.id: camera for camera in reading.cameras()}
        self._links = {(link.origin, link.target): link for link in reading.links()}
        self._chain, self._active = Chain(), 0
        self._matches: tuple[answers.Matching, ...] = ()
        self._camera, self._until = "", _NEVER
        self._sizes: dict[str, tuple[int, int]] = {}
        self._lay_out(tiles)

    def _lay_out(self, tiles: str | None) -> None:
        with ui.element("div").classes("follow"):
            with ui.element("section").classes("panel side map").props('aria-label="Map"'):
                self._map = RoadMap(
                    list(self._cameras.values()), list(self._links.values()), self._reading.network, tiles
                )
                self._map.on("camera", lambda event: self._look(event.args))
            with ui.element("div").classes("stack"):
                with ui.element("section").classes("panel"):
                    self._head = html(column.EMPTY, "header").on("change", self._on_time, js_handler=_VALUE)
                    self._viewer = Viewer(self._reading.timezone)
                self._below = html(column.EMPTY).on("click", self._on_column, js_handler=_PRESSED)
            with panel("Where next, where from", classes="side"):
                self._answers = (
                    html(answering.nothing_chosen(*self._offered())).classes("grow").props('aria-live="polite"')
                )
        self._answers.on("click", self._on_answer, js_handler=_PRESSED)
        ui.timer(_RENEWED_S, self._renew)
        self._viewer.on("pick", self._on_pick)
        self._viewer.on("edge", self._on_edge)

    def open(self, camera: str | None, tracklet: str | None, journey: str | None) -> None:
        """Begin with what the address names; say so when it is not stored any more."""
        try:
            known = self._longest() if journey == "best" else journey
            if known:
                self._begin(self._whole(known), 0)
            elif tracklet:
                self._begin(Chain(stations=(self._sighting(tracklet),)), 0)
            else:
                self._look(camera or self._first_camera())
        except CctviewError as error:
            self._look(self._first_camera())
            self._answers.content = answering.problem(str(error))

    def _offered(self) -> tuple[Sequence[answers.Journey], dict[str, answers.Camera], Clock]:
        """Return the journeys to begin with, longest first."""
        found = sorted(self._reading.journeys(limit=_JOURNEYS), key=lambda one: -len(one.steps))
        return found[:_TOP], self._cameras, self._clock

    def _longest(self) -> str | None:
        """Return the longest of the most probable journeys."""
        found = self._reading.journeys(limit=_JOURNEYS)
        return max(found, key=lambda one: len(one.steps)).id if found else None

    def _first_camera(self) -> str:
        return max(self._cameras.values(), key=lambda camera: camera.frames).id

    def _look(self, camera: str, time: datetime | None = None, frame: str | None = None) -> None:
        """Show a camera's stills around a time: by default where the chain sees it, or its newest still."""
        station = next((n for n, seen in enumerate(self._chain.stations) if seen.tracklet.camera == camera), None)
        if time is None and station is not None:
            box = largest(self._chain.stations[station])
            time, frame, self._active = box.time, box.frame, station
        time = time or self._cameras[camera].last_time
        self._camera = camera
        self._watch(camera, time, frame)
        self._show_chain()

    def _renew(self) -> None:
        """Show what a run that goes on has stored since: new stills of the camera being looked at."""
        before = self._cameras[self._camera].last_time
        self._cameras = {camera.id: camera for camera in self._reading.cameras()}
        newest = self._cameras[self._camera].last_time
        if newest is None or newest == before or (before and self._until < before):
            return
        since, self._until = max(self._until, newest) - 2 * _WINDOW, newest + _WINDOW
        stills = self._reading.frames(self._camera, since, self._until, _MOST_STILLS)
        self._viewer.watch(self._cameras[self._camera], stills, None, self._size(self._camera))

    def _on_time(self, event: GenericEventArguments) -> None:
        """Go to the time on the clocks of the cameras that was typed."""
        if event.args:
            self._watch(self._camera, self._clock.read(event.args), None)

    def _watch(self, camera: str, time: datetime | None, frame: str | None) -> None:
        stills = () if time is None else self._reading.frames(camera, time - _WINDOW, time + _WINDOW, _MOST_STILLS)
        if stills and time and frame is None:
            frame = min(stills, key=lambda still: abs((still.time - time).total_seconds())).id
        self._until = time + _WINDOW if time else _NEVER
        self._viewer.watch(self._cameras[camera], stills, frame, self._size(camera))
        self._head.content = column.of_camera(self._cameras[camera], time, self._clock)

    async def _on_pick(self, event: GenericEventArguments) -> None:
        tracklet = event.args["tracklet"]
        if tracklet is None:
            self._answers.content = answering.seen_once()
            return
        known = [n for n, seen in enumerate(self._chain.stations) if seen.tracklet.id == tracklet]
        if known:
            self._active = known[0]
        else:
            self._chain, self._active = Chain(stations=(self._sighting(tracklet),)), 0
        self._show_chain()
        await self._ask()
        ui.run_javascript(_FOCUS)

    async def _on_answer(self, event: GenericEventArguments) -> None:
        """Go on with the candidate whose ``camera:rank`` was chosen."""
        asked, rank = (int(part) for part in event.args.split(":"))
        matching = self._matches[asked]
        found = matching.candidates[rank - 1]
        sighting = self._sighting(found.tracklet.id)
        leg = self._leg(matching, found)
        onward = matching.way == "next"
        self._chain = (self._chain.onward if onward else self._chain.back)(self._active, sighting, leg)
        self._active = self._active + 1 if onward else 0
        box = largest(sighting)
        self._look(matching.camera, box.time, box.frame)
        await self._ask()
        ui.run_javascript(_FOCUS)

    async def _on_column(self, event: GenericEventArguments) -> None:
        if event.args.isdigit():
            self._active = int(event.args)
            box = largest(self._chain.stations[self._active])
            self._look(box.camera, box.time, box.frame)
            await self._ask()
        elif event.args == "play":
            self._viewer.play(self._tour())
        else:
            self._save(event.args)

    def _on_edge(self, event: GenericEventArguments) -> None:
        """Move the window of stills on, half a window at a time."""
        time = datetime.fromisoformat(event.args["time"]) + event.args["way"] * _WINDOW / 2
        self._watch(self._camera, time, None)

    def _begin(self, chain: Chain, active: int) -> None:
        self._chain, self._active = chain, active
        box = largest(chain.stations[active])
        self._look(box.camera, box.time, box.frame)
        ui.timer(0, self._ask, once=True)

    async def _ask(self) -> None:
        """Show who the active sighting may be at the neighbouring cameras."""
        sighting = self._chain.stations[self._active]
        self._answers.content = answering.waiting()
        try:
            found = await run.io_bound(self._reading.matches, sighting.tracklet.id, None, _TOP)
        except CctviewError as error:
            self._answers.content = answering.problem(str(error))
            return
        self._matches = found or ()
        chosen = {seen.tracklet.id for seen in self._chain.stations}
        self._answers.content = answering.told(sighting, self._matches, self._cameras, chosen, self._clock)

    def _show_chain(self) -> None:
        stations = self._chain.stations
        here = stations[self._active] if stations else None
        shown = here if here and here.tracklet.camera == self._camera else None
        self._viewer.select(
            shown.tracklet.id if shown else None, [box.frame for box in shown.detections] if shown else []
        )
        self._map.show(camera=self._camera, trail=[seen.tracklet.camera for seen in stations])
        self._below.content = column.of_chain(
            self._chain,
            self._active,
            self._cameras,
            [self._size(seen.tracklet.camera) for seen in stations],
            self._clock,
        )

    def _size(self, camera: str) -> tuple[int, int]:
        """Return width and height of a camera's stills."""
        last = self._cameras[camera].last_frame
        if camera not in self._sizes and last:
            still = self._reading.frame(last)
            self._sizes[camera] = (still.width, still.height)
        return self._sizes.get(camera, _USUAL_SIZE)

    def _sighting(self, tracklet: str) -> answers.Sighting:
        return self._reading.tracklet(tracklet)

    def _leg(self, matching: answers.Matching, found: answers.Candidate) -> Leg:
        here = self._chain.stations[self._active].tracklet.camera
        ends = (here, matching.camera) if matching.way == "next" else (matching.camera, here)
        link = self._links.get(ends)
        return Leg(metres=link.metres if link else None, seconds=found.lag_s, probability=found.probability)

    def _whole(self, journey: str) -> Chain:
        """Return a stored journey as a chain."""
        steps = self._reading.journey(journey).steps
        legs = []
        for before, after in pairwise(steps):
            link = self._links.get((before.tracklet.camera, after.tracklet.camera))
            sure = self._probability(before.tracklet.id, after.tracklet.camera, after.tracklet.id)
            legs.append(Leg(metres=link.metres if link else None, seconds=after.seconds or 0.0, probability=sure))
        return Chain(stations=tuple(self._sighting(step.tracklet.id) for step in steps), legs=tuple(legs))

    def _probability(self, query: str, camera: str, target: str) -> float | None:
        found = self._reading.matches(query, camera, _TOP)
        ranked = [one for matching in found for one in matching.candidates if one.tracklet.id == target]
        return ranked[0].probability if ranked else None

    def _tour(self) -> list[dict[str, Any]]:
        """Return every still of the chain in order, with the leg of the map that leads to it."""
        boxes = [box for station in self._chain.stations for box in station.detections]
        before = [boxes[0], *boxes[:-1]]
        return [
            {
                "frame": box.frame,
                "name": self._cameras[box.camera].name,
                "time": round(box.time.timestamp() * 1000),
                "tracklet": box.tracklet,
                "leg": {"from": last.camera, "to": box.camera, "ms": _pace((box.time - last.time).total_seconds())},
            }
            for last, box in zip(before, boxes, strict=True)
        ]

    def _save(self, kind: str) -> None:
        name = f"journey-{self._chain.stations[0].tracklet.id}"
        if kind == "csv":
            ui.download.content(self._chain.csv(), f"{name}.csv", "text/csv")
        elif kind == "geojson":
            ui.download.content(self._chain.geojson(self._cameras), f"{name}.geojson", "application/geo+json")
        else:
            picture = self._chain.picture(self._reading.image, self._cameras, self._clock)
            ui.download.content(picture, f"{name}.png", "image/png")


def _pace(seconds: float) -> int:
    low, high = _LEG_MS
    return round(min(max(abs(seconds) * _MS_PER_SECOND, low), high))
