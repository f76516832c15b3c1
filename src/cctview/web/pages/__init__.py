"""The pages people look at, mounted beside the JSON API."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from cctview.web.pages.cameras import cameras_page
from cctview.web.pages.follow import follow_page
from cctview.web.pages.privacy import privacy_page
from cctview.web.pages.search import search_page
from cctview.web.pages.start import start_page
from cctview.web.pages.traffic import traffic_page
from cctview.web.reading import Reading
from cctview.web.theme import LOGO, STATIC

__all__ = ["mount_pages"]


def mount_pages(app: FastAPI, reading: Reading, *, tiles: str | None = None) -> None:
    """Add the pages to the app; ``tiles`` is a URL template for map tiles, which no page needs."""

    @ui.page("/")
    def start() -> None:
        start_page(reading)

    @ui.page("/follow")
    def follow(camera: str | None = None, tracklet: str | None = None, journey: str | None = None) -> None:
        follow_page(reading, tiles, camera, tracklet, journey)

    @ui.page("/search")
    def search(detection: str | None = None) -> None:
        search_page(reading, detection)

    @ui.page("/traffic")
    def traffic(camera: str | None = None) -> None:
        traffic_page(reading, camera)

    @ui.page("/cameras")
    def cameras() -> None:
        cameras_page(reading)

    @ui.page("/privacy")
    def privacy() -> None:
        privacy_page(reading)

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    ui.run_with(
        app,
        title="cctview",
        favicon=LOGO,
        dark=None,
        tailwind=False,
        show_welcome_message=False,
    )
