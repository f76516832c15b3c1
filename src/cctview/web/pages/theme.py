"""The frame around every page: head, navigation, and the one style sheet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from nicegui import ui

from cctview.svg.markup import Markup, tag
from cctview.web.pages.listed import PAGES

__all__ = ["LOGO", "STATIC", "dressed", "heading", "html", "panel"]

STATIC = Path(__file__).parents[1] / "static"
LOGO = STATIC / "logo.svg"


@contextmanager
def dressed(title: str, classes: str = "") -> Iterator[None]:
    """Open a page of this title; what is made inside stands in its main part."""
    stamp = version("cctview")
    ui.page_title(f"{title} · cctview")
    ui.add_head_html(
        f'<script src="/static/theme.js?{stamp}"></script><link rel="stylesheet" href="/static/cctview.css?{stamp}">'
    )
    html(tag("a", "Skip to the content", href="#main", class_="skip"))
    html(_head(title), "header").classes("head")
    with ui.element("div").props("id=main tabindex=-1").classes(classes):
        yield


def html(content: Markup, name: str = "div") -> ui.html:
    """Place markup on the page as it is: it was escaped where it was made."""
    return ui.html(content, sanitize=False, tag=name)


def heading(title: str, sentence: str) -> None:
    """Begin a page with its name and one sentence on what it is for."""
    html(Markup(tag("h1", title) + tag("p", sentence, class_="soft"))).classes("intro")


@contextmanager
def panel(title: str, aside: str | Markup | None = None, classes: str = "") -> Iterator[None]:
    """Open a surface with a name."""
    with ui.element("section").classes(f"panel {classes}"):
        html(Markup(tag("h2", title) + tag("span", aside, class_="small soft")), "header")
        yield


def _head(current: str) -> Markup:
    here = [
        tag("li", tag("a", page.title, href=page.route, aria_current="page" if page.title == current else None))
        for page in PAGES
    ]
    brand = tag("a", Markup(LOGO.read_text(encoding="utf-8")), "cctview", href="/", class_="brand")
    switch = tag("button", "◐", type="button", class_="icon", data_theme_switch=True, aria_label="Dark or light")
    return Markup(brand + tag("nav", tag("ul", here), aria_label="Pages") + switch)
