"""All pages in one place: what mounts them, what links to them and what tests them reads this."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PAGES", "Page"]


class Page(NamedTuple):
    """A page: its module here, whose ``show`` lays it out, where it is, and what the navigation calls it."""

    module: str
    route: str
    title: str


PAGES = (
    Page("start", "/", "Start"),
    Page("follow", "/follow", "Follow"),
    Page("search", "/search", "Search"),
    Page("traffic", "/traffic", "Traffic"),
    Page("cameras", "/cameras", "Cameras"),
    Page("privacy", "/privacy", "Privacy"),
)
