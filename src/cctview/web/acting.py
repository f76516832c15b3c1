"""The JSON API, ``/api/v1``: searching with a purpose, the policy, the log, and forgetting."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import Field, TypeAdapter
from starlette.responses import Response

from cctview.errors import InputError, MissingError
from cctview.privacy import LogEntry, Policy, broken_at
from cctview.store import COLOURS, SearchFilters
from cctview.types import VEHICLE_TYPES
from cctview.web import answers
from cctview.web.exchange import ARROW, respond
from cctview.web.moments import as_datetime64
from cctview.web.reading import Reading
from cctview.web.search import Search

__all__ = ["Forgetting", "Log", "Removal", "acting_routes"]

Text = Annotated[str | None, Form(max_length=400)]
Time = Annotated[datetime | None, Form()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of searches, the newest first; ``broken_at`` is the first entry that does not fit its chain."""

    entries: tuple[LogEntry, ...]
    broken_at: int | None
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What to forget: all before a time, of a camera, or both; or things by name. A preview removes nothing."""

    before: datetime | None = None
    camera: Annotated[str | None, Field(max_length=200)] = None
    ids: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=1000)] = field(default_factory=list)
    preview: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """How many rows each table loses or lost, how many stills, and the proof of a removal that was done."""

    preview: bool
    rows: dict[str, int]
    pixels: int
    proof: dict[str, int] | None


_POLICY = TypeAdapter(Policy)
_LOG = TypeAdapter(Log)
_SUMMARY = TypeAdapter(dict[str, Any])
_FOUND = TypeAdapter(tuple[answers.Found, ...])
_REMOVAL = TypeAdapter(Removal)


def acting_routes(reading: Reading, search: Search) -> APIRouter:
    """Return the routes about what is kept, and those that write."""
    api = APIRouter(prefix="/api/v1")
    _kept(api, reading)
    _searching(api, search)
    _forgetting(api, reading)
    return api


def _kept(api: APIRouter, reading: Reading) -> None:
    @api.get("/policy", response_model=Policy)
    def policy(request: Request) -> Response:
        """Return the policy in force."""
        return respond(request, _POLICY, reading.policy)

    @api.get("/summary", response_model=dict[str, Any])
    def summary(request: Request) -> Response:
        """Say what is stored: rows, bytes, oldest and newest of each table."""
        return respond(request, _SUMMARY, reading.summary())

    @api.get("/log", response_model=Log)
    def log(request: Request) -> Response:
        """Return the log of searches and whether its chain holds."""
        return respond(request, _LOG, read_log(reading))


def read_log(reading: Reading) -> Log:
    """Return the log of searches of a store."""
    entries = reading.store.log()
    return Log(entries=entries[::-1], broken_at=broken_at(entries), head=entries[-1].hash if entries else "")


def _searching(api: APIRouter, search: Search) -> None:
    @api.post("/search", response_model=tuple[answers.Found, ...], responses={200: {"content": {ARROW: {}}}})
    def find(
        request: Request,
        purpose: Annotated[str, Form(max_length=500, description="What the answer is for; it is logged.")],
        detection: Text = None,
        picture: Annotated[UploadFile | None, File(description="A picture of a vehicle; it is not stored.")] = None,
        camera: Text = None,
        after: Time = None,
        before: Time = None,
        type: Annotated[str | None, Form(json_schema_extra={"enum": list(VEHICLE_TYPES)})] = None,  # noqa: A002
        colour: Annotated[str | None, Form(json_schema_extra={"enum": list(COLOURS)})] = None,
        top: Annotated[int, Form(ge=1, le=100)] = 20,
    ) -> Response:
        """Find the vehicles that look most like a stored detection or a picture."""
        filters = SearchFilters(
            camera=camera, after=as_datetime64(after), before=as_datetime64(before), type=type, colour=colour
        )
        if detection is not None and picture is None:
            return respond(request, _FOUND, search.by_detection(detection, purpose, filters, top))
        if picture is not None and detection is None:
            return respond(request, _FOUND, search.by_picture(picture.file.read(), purpose, filters, top))
        raise InputError("give either a detection or a picture to look for")


def _forgetting(api: APIRouter, reading: Reading) -> None:
    @api.post("/forget", response_model=Removal)
    def forget(request: Request, what: Forgetting) -> Response:
        """Remove things and all that was made from them, with a proof; by default only say what would go."""
        return respond(request, _REMOVAL, removed(reading, what))


def removed(reading: Reading, what: Forgetting) -> Removal:
    """Forget, or say what would be forgotten."""
    ids = reading.forgettable(what.ids) if what.ids else None
    act = reading.store.preview if what.preview else reading.store.forget
    try:
        gone = act(before=as_datetime64(what.before), camera=what.camera, ids=ids)
    except MissingError as error:
        raise MissingError("one of these is no longer stored; nothing was removed") from error
    if not what.preview:
        reading.refresh()
    proof = asdict(gone.proof) if gone.proof else None
    return Removal(preview=what.preview, rows=gone.rows, pixels=gone.pixels, proof=proof)
