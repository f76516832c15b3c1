"""The JSON API, ``/api/v1``: searching with a purpose, the policy, the log, and forgetting."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import Field, TypeAdapter
from starlette.responses import Response

from cctview.errors import InputError
from cctview.privacy import Policy
from cctview.types import VEHICLE_TYPES
from cctview.web.api.exchange import ARROW, respond
from cctview.web.model import answers
from cctview.web.model.keeping import Keeping
from cctview.web.model.reading import Reading
from cctview.web.model.search import COLOURS, Filters, Search

__all__ = ["Forgetting", "acting_routes"]

Text = Annotated[str | None, Form(max_length=400)]
Time = Annotated[datetime | None, Form()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What to forget: all before a time, of a camera, or both; or things by name. A preview removes nothing."""

    before: datetime | None = None
    camera: Annotated[str | None, Field(max_length=200)] = None
    ids: Annotated[list[Annotated[str, Field(max_length=400)]], Field(max_length=1000)] = field(default_factory=list)
    preview: bool = True


_POLICY = TypeAdapter(Policy)
_LOG = TypeAdapter(answers.Log)
_SUMMARY = TypeAdapter(dict[str, Any])
_FOUND = TypeAdapter(tuple[answers.Found, ...])
_REMOVAL = TypeAdapter(answers.Removal)


def acting_routes(reading: Reading, keeping: Keeping, search: Search) -> APIRouter:
    """Return the routes about what is kept, and those that write."""
    api = APIRouter(prefix="/api/v1")
    _kept(api, reading, keeping)
    _searching(api, search)
    _forgetting(api, keeping)
    return api


def _kept(api: APIRouter, reading: Reading, keeping: Keeping) -> None:
    @api.get("/policy", response_model=Policy)
    def policy(request: Request) -> Response:
        """Return the policy in force."""
        return respond(request, _POLICY, reading.policy)

    @api.get("/summary", response_model=dict[str, Any])
    def summary(request: Request) -> Response:
        """Say what is stored: rows, bytes, oldest and newest of each table."""
        return respond(request, _SUMMARY, reading.summary())

    @api.get("/log", response_model=answers.Log)
    def log(request: Request) -> Response:
        """Return the log of searches and whether its chain holds."""
        return respond(request, _LOG, keeping.log())


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
        filters = Filters(camera=camera, after=after, before=before, type=type, colour=colour)
        if detection is not None and picture is None:
            return respond(request, _FOUND, search.by_detection(detection, purpose, filters, top))
        if picture is not None and detection is None:
            return respond(request, _FOUND, search.by_picture(picture.file.read(), purpose, filters, top))
        raise InputError("give either a detection or a picture to look for")


def _forgetting(api: APIRouter, keeping: Keeping) -> None:
    @api.post("/forget", response_model=answers.Removal)
    def forget(request: Request, what: Forgetting) -> Response:
        """Remove things and all that was made from them, with a proof; by default only say what would go."""
        act = keeping.preview if what.preview else keeping.forget
        return respond(request, _REMOVAL, act(before=what.before, camera=what.camera, names=what.ids))
