"""The door through which built-ins and strangers' plug-ins come in: entry points, a group for each seam."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from cctview.errors import InputError, nearest
from cctview.extras import missing

__all__ = ["load_plugin", "plugin_names"]


def plugin_names(seam: str) -> tuple[str, ...]:
    """Return the names under which something stands behind a seam ("trackers", "matchers", ...), sorted."""
    return tuple(sorted(entry_points(group=f"cctview.{seam}").names))


def load_plugin(seam: str, name: str) -> Any:
    """Return what stands behind a seam under this name: a class, or a function that makes one.

    Raise InputError when there is nothing of that name, when two packages offer it, or when it cannot be imported.
    """
    found = entry_points(group=f"cctview.{seam}", name=name)
    if not found:
        known = plugin_names(seam)
        raise InputError(f"no {seam.removesuffix('s')} {name!r} is installed; {nearest(name, known)}")
    return _loaded(_only(seam, name, list(found)))


def _only(seam: str, name: str, found: list[EntryPoint]) -> EntryPoint:
    targets = {entry.value: entry for entry in found}
    if len(targets) > 1:
        offers = ", ".join(sorted(targets))
        raise InputError(f"{seam.removesuffix('s')} {name!r} is offered more than once ({offers}); uninstall one")
    return next(iter(targets.values()))


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        raise missing(error) or _unloadable(entry, error) from error
    except (ImportError, AttributeError) as error:
        raise _unloadable(entry, error) from error


def _unloadable(entry: EntryPoint, error: Exception) -> InputError:
    return InputError(f"{entry.group}: {entry.name!r} cannot be loaded from {entry.value} ({error})")
