"""HTML and SVG as text that cannot be broken out of: everything is escaped unless it is markup already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["Child", "Markup", "fragment", "tag"]

_VOID = frozenset({"img", "input", "br", "hr"})


class Markup(str):
    """Text that is known to be safe inside a page."""

    __slots__ = ()


Attribute = str | float | bool | None
Child = str | float | None | Iterable["Child"]


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """Return one element; an attribute's trailing underscore goes, others become hyphens.

    True stands for an attribute without a value; None and False leave it out.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{fragment(*children)}</{name}>")


def fragment(*children: Child) -> Markup:
    """Return children side by side, those escaped that are plain text."""
    return Markup("".join(_written(child) for child in children))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(_number(value))}"'


def _written(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return escape(child)
    return _number(child) if isinstance(child, int | float) else fragment(*child)


def _number(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
