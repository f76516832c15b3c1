"""The form of the search page: a picture dropped in the browser goes to the API, its answer comes back here."""

from __future__ import annotations

from nicegui.element import Element

__all__ = ["SearchForm"]


class SearchForm(Element, component="../static/drop.js"):
    """Hold the fields made inside it, with times of ``zone``; emits ``found`` with the API's answer."""

    def __init__(self, detection: str | None, crop: str | None, zone: str) -> None:
        super().__init__()
        self._props["example"] = detection
        self._props["picture"] = crop
        self._props["zone"] = zone
