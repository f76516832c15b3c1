"""Put the pages beside the JSON API."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from cctview.web.pages.listed import PAGES
from cctview.web.pages.site import Site
from cctview.web.pages.theme import LOGO, STATIC

__all__ = ["mount_pages"]


def mount_pages(app: FastAPI, *, tiles: str | None = None) -> None:
    """Add the pages to what ``create_app`` made; ``tiles`` is a URL template for map tiles, which no page needs.

    A page's parameters beside the site are those of its address.
    """
    site = Site(reading=app.state.reading, keeping=app.state.keeping, tiles=tiles)
    for page in PAGES:
        show = import_module(f"{__package__}.{page.module}").show
        ui.page(page.route)(partial(show, site))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    ui.run_with(
        app,
        title="cctview",
        favicon=LOGO,
        dark=None,
        tailwind=False,
        show_welcome_message=False,
    )
