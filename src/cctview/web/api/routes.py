"""The JSON API, ``/api/v1``: what is stored, read only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from cctview.web.api.exchange import ARROW, csv_of, geojson_of, respond
from cctview.web.model import answers
from cctview.web.model.reading import Reading

__all__ = ["Page", "reading_routes"]

T = TypeVar("T")
_TICK = timedelta(microseconds=1)
_STILLS_S = 600

Name = Annotated[str | None, Query(max_length=200, description="Id of a camera.")]
After = Annotated[datetime | None, Query(description="Not before this time; UTC unless it says otherwise.")]
Before = Annotated[datetime | None, Query(description="Before this time.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows of a page; those of one time are never torn apart.")]
Side = Annotated[int | None, Query(ge=16, le=1024, description="Pixels of the longer side; its own size by default.")]
Form = Annotated[Literal["json", "geojson", "csv"], Query(alias="format")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some rows in order of time; ``next`` is the ``after`` of the page that follows, None on the last."""

    items: tuple[T, ...]
    next: datetime | None


_CAMERAS = TypeAdapter(tuple[answers.Camera, ...])
_LINKS = TypeAdapter(tuple[answers.Link, ...])
_STILLS = TypeAdapter(Page[answers.Still])
_FRAME = TypeAdapter(answers.Frame)
_DETECTION = TypeAdapter(answers.Detection)
_DETECTIONS = TypeAdapter(tuple[answers.Detection, ...])
_TRACKLETS = TypeAdapter(Page[answers.Tracklet])
_SIGHTING = TypeAdapter(answers.Sighting)
_MATCHINGS = TypeAdapter(tuple[answers.Matching, ...])
_JOURNEY = TypeAdapter(answers.Journey)
_JOURNEYS = TypeAdapter(tuple[answers.Journey, ...])
_COUNTS = TypeAdapter(answers.Counts)
_CROSSINGS = TypeAdapter(answers.Crossings)
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}, 304: {"description": "unchanged"}}
_TABLE: dict[int | str, dict[str, Any]] = {200: {"content": {ARROW: {}}}}


def reading_routes(reading: Reading) -> APIRouter:
    """Return the routes that read."""
    api = APIRouter(prefix="/api/v1", responses={404: {"description": "not stored"}})
    _road(api, reading)
    _stills(api, reading)
    _vehicles(api, reading)
    _journeys(api, reading)
    return api


def _road(api: APIRouter, reading: Reading) -> None:
    @api.get("/cameras", response_model=tuple[answers.Camera, ...], responses=_TABLE)
    def cameras(request: Request) -> Response:
        """List all cameras and what of each is stored."""
        return respond(request, _CAMERAS, reading.cameras())

    @api.get("/links", response_model=tuple[answers.Link, ...], responses=_TABLE)
    def links(request: Request, window_s: Annotated[float, Query(gt=0, le=86_400)] = 900.0) -> Response:
        """List the links between cameras with the traffic of the newest seconds."""
        return respond(request, _LINKS, reading.links(window_s))

    @api.get("/travel-times", response_model=answers.Crossings)
    def travel_times(
        request: Request,
        origin: Annotated[str, Query(max_length=200)],
        target: Annotated[str, Query(max_length=200)],
        after: After = None,
        before: Before = None,
    ) -> Response:
        """Return how long each vehicle took over a link; nothing below the policy's minimum group."""
        return respond(request, _CROSSINGS, reading.crossings(origin, target, after, before))

    @api.get("/counts", response_model=answers.Counts)
    def counts(
        request: Request,
        camera: Name = None,
        after: After = None,
        before: Before = None,
        width_s: Annotated[float, Query(ge=1, le=604_800, description="Seconds of a bin.")] = 300.0,
    ) -> Response:
        """Count passages by time and type: vehicles that drove through a camera's view."""
        return respond(request, _COUNTS, reading.counts(camera, after, before, width_s))


def _stills(api: APIRouter, reading: Reading) -> None:
    @api.get("/frames", response_model=Page[answers.Still], responses=_TABLE)
    def frames(
        request: Request, camera: Name = None, after: After = None, before: Before = None, limit: Limit = 100
    ) -> Response:
        """List stills in order of time."""
        rows = reading.frames(camera, after, before, limit)
        return respond(request, _STILLS, Page(items=rows, next=_following(rows, limit, "time")))

    @api.get("/frames/{frame}", response_model=answers.Frame)
    def frame(request: Request, frame: str) -> Response:
        """Return a still with its boxes."""
        return respond(request, _FRAME, reading.frame(frame))

    @api.get("/frames/{frame}/image", responses=_JPEG, response_class=Response)
    def image(request: Request, frame: str, *, boxes: bool = False) -> Response:
        """Return the pixels of a still, on request with its boxes drawn."""
        return _picture(request, reading.image(frame, boxes=boxes))

    @api.get("/detections", response_model=tuple[answers.Detection, ...], responses=_TABLE)
    def detections(request: Request, frame: Annotated[str, Query(max_length=400)]) -> Response:
        """List the boxes of a still."""
        return respond(request, _DETECTIONS, reading.frame(frame).detections)

    @api.get("/detections/{detection}", response_model=answers.Detection)
    def detection(request: Request, detection: str) -> Response:
        """Return one box."""
        return respond(request, _DETECTION, reading.detection(detection))

    @api.get("/detections/{detection}/crop", responses=_JPEG, response_class=Response)
    def detection_crop(request: Request, detection: str, side: Side = None) -> Response:
        """Return the pixels of one box."""
        return _picture(request, reading.crop(detection, side=side))


def _vehicles(api: APIRouter, reading: Reading) -> None:
    @api.get("/tracklets", response_model=Page[answers.Tracklet], responses=_TABLE)
    def tracklets(
        request: Request, camera: Name = None, after: After = None, before: Before = None, limit: Limit = 100
    ) -> Response:
        """List vehicles at cameras, in the order they came into view."""
        rows = reading.tracklets(camera, after, before, limit)
        return respond(request, _TRACKLETS, Page(items=rows, next=_following(rows, limit, "first_time")))

    @api.get("/tracklets/{tracklet}", response_model=answers.Sighting)
    def tracklet(request: Request, tracklet: str) -> Response:
        """Return one vehicle at one camera with its boxes."""
        return respond(request, _SIGHTING, reading.tracklet(tracklet))

    @api.get("/tracklets/{tracklet}/matches", response_model=tuple[answers.Matching, ...], responses=_TABLE)
    def matches(
        request: Request, tracklet: str, camera: Name = None, top: Annotated[int, Query(ge=1, le=50)] = 5
    ) -> Response:
        """Say for each camera down and up a link who the vehicle may be there, or that it was not seen."""
        return respond(request, _MATCHINGS, reading.matches(tracklet, camera, top))

    @api.get("/tracklets/{tracklet}/crop", responses=_JPEG, response_class=Response)
    def crop(request: Request, tracklet: str, side: Side = None) -> Response:
        """Return the pixels of a vehicle where it is largest."""
        return _picture(request, reading.crop(tracklet, side=side))


def _journeys(api: APIRouter, reading: Reading) -> None:
    @api.get("/journeys", response_model=tuple[answers.Journey, ...], responses=_TABLE)
    def journeys(
        request: Request,
        through: Annotated[str | None, Query(max_length=400, description="Id of a tracklet.")] = None,
        limit: Limit = 100,
        form: Form = "json",
    ) -> Response:
        """List journeys, most probable first."""
        return _journeys_as(request, form, reading.journeys(through, limit))

    @api.get("/journeys/{journey}", response_model=answers.Journey)
    def journey(request: Request, journey: str, form: Form = "json") -> Response:
        """Return one journey."""
        found = reading.journey(journey)
        return respond(request, _JOURNEY, found) if form == "json" else _journeys_as(request, form, (found,))


def _journeys_as(request: Request, form: str, found: tuple[answers.Journey, ...]) -> Response:
    if form == "csv":
        return Response(csv_of(found), media_type="text/csv", headers=_attached("journeys.csv"))
    if form == "geojson":
        return Response(geojson_of(found), media_type="application/geo+json", headers=_attached("journeys.geojson"))
    return respond(request, _JOURNEYS, found)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


def _following(rows: tuple[Any, ...], limit: int, time: str) -> datetime | None:
    """Return where the next page begins; a short page is the last."""
    if len(rows) < limit:
        return None
    last: datetime = getattr(rows[-1], time)
    return last + _TICK


def _picture(request: Request, data: bytes) -> Response:
    """Return a JPEG that a browser may keep for some minutes, so that what is forgotten is soon gone there too."""
    tag = f'"{hashlib.blake2b(data, digest_size=16).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": f"private, max-age={_STILLS_S}"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="image/jpeg", headers=headers)
