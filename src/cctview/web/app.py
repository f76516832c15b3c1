"""The web application: the JSON API, its description, and what guards both; the pages are mounted on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.formparsers import MultiPartParser
from starlette.responses import HTMLResponse

from cctview.seams import Store
from cctview.store import Expiry
from cctview.web.api.acting import acting_routes
from cctview.web.api.manual import manual
from cctview.web.api.problems import answer_problems
from cctview.web.api.routes import reading_routes
from cctview.web.api.security import MAX_BODY, Guard
from cctview.web.model.keeping import Keeping
from cctview.web.model.reading import Reading
from cctview.web.model.search import Embed, Search

__all__ = ["create_app"]

_ABOUT = (
    "What one store holds: cameras, stills, vehicles, who may be whom, and journeys. Ids are 16 hexadecimal digits, "
    "times UTC, boxes x1, y1, x2, y2 in pixels. Tables come as an Arrow stream to those who accept one. Errors are "
    "problem+json."
)


def create_app(
    store: Store,
    *,
    embed: Embed | None = None,
    token: str | None = None,
    tiles: str | None = None,
    expire_every_s: float = 20.0,
) -> FastAPI:
    """Return the application over a store; ``app.state`` holds its ``reading``, ``keeping`` and ``search``.

    ``embed`` turns a picture into a vector for searches by picture. With a ``token`` every request
    must show it; without, only this machine's own names are answered. ``tiles`` is the URL template
    of map tiles, whose host is the only other one that pages may ask. What the policy no longer allows is looked for
    every ``expire_every_s`` seconds.
    """
    reading = Reading(store)
    MultiPartParser.spool_max_size = MAX_BODY  # no upload is ever in a file: nobody has blacked anything out in it

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with reading.watched(), Expiry(store, every_s=expire_every_s):
            yield

    app = FastAPI(title="cctview", version="1", description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.reading = reading
    app.state.keeping = Keeping(store, reading)
    app.state.search = Search(store, reading, embed)
    app.add_middleware(Guard, token=token, tiles=tiles)
    answer_problems(app)
    app.include_router(reading_routes(reading))
    app.include_router(acting_routes(reading, app.state.keeping, app.state.search))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(manual(app.openapi()))

    return app
