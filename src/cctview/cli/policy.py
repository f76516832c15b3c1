"""Verbs about what a store may hold: policy, forget."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.run import PURPOSE
from cctview.cli.screen import Json, answer, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cctview.seams import Store

__all__ = ["register", "time_of"]

StorePath = Annotated[Path, typer.Argument(help="A store; `policy set` makes it when it is not there.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    policy = typer.Typer(help="What a store may hold, for how long, and why.", no_args_is_help=True)
    policy.command("show")(show)
    policy.command("set")(set_policy)
    app.add_typer(policy, name="policy")
    app.command()(forget)


def show(store: StorePath, as_json: Json = False) -> None:
    """Show the policy in force and what is stored under it."""
    from cctview.store import open_store

    opened = open_store(store)
    answer({"policy": _settings(opened.policy), "stored": opened.summary()}, as_json=as_json)


def set_policy(
    store: StorePath,
    settings: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="e.g. frames_days=1")] = None,
    file: Annotated[Path | None, typer.Option("--from", help="Take the whole policy from this TOML file.")] = None,
    as_json: Json = False,
) -> None:
    """Put another policy in force, and remove at once what it no longer allows."""
    import numpy as np

    from cctview.errors import SettingsError, StoreNotFoundError
    from cctview.privacy import Policy
    from cctview.store import create_store, open_store

    if bool(settings) == bool(file):
        raise SettingsError("give settings such as frames_days=1 keep_frames=false, or --from FILE, one of the two")
    try:
        opened = open_store(store, write=True)
    except StoreNotFoundError:
        opened = None
    old = opened.policy if opened else Policy.default(PURPOSE)
    text = file.read_text(encoding="utf-8-sig") if file else _changed(old.to_toml(), settings or [])
    new = Policy.from_toml(text, str(file or "policy set"))
    if opened:
        opened.set_policy(new)
        gone = opened.expire(np.datetime64("now", "ns"))
        answer({"policy": _settings(new), "removed": gone.rows, "stills removed": gone.pixels}, as_json=as_json)
    else:
        create_store(store, new)
        answer({"policy": _settings(new), "made": str(store)}, as_json=as_json)


def forget(
    store: StorePath,
    before: Annotated[
        str | None, typer.Option(help="Forget what was seen before this time (ISO 8601; UTC unless it says otherwise).")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Forget this camera; with --before only its older part.")] = None,
    names: Annotated[
        list[str] | None, typer.Option("--id", help="A detection, frame, tracklet or journey; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Remove rows from every table and index, compact, and prove that no file still holds them."""
    from cctview.errors import SettingsError
    from cctview.store import open_store

    if before is None and camera is None and not names:
        raise SettingsError("say what to forget: --before TIME, --camera ID or --id ID")
    opened = open_store(store, write=True)
    gone = opened.forget(
        before=time_of(before, "--before") if before else None,
        camera=camera,
        ids=_ids(opened, names) if names else None,
    )
    if not any(gone.rows.values()):
        say("nothing stored answers to that; nothing was removed")
    proof = vars(gone.proof) if gone.proof else None
    answer({"removed": gone.rows, "stills removed": gone.pixels, "proof": proof}, as_json=as_json)


def _settings(policy: Any) -> dict[str, Any]:
    return {item.name: getattr(policy, item.name) for item in fields(policy)}


def _changed(text: str, settings: list[str]) -> str:
    """Exchange lines of a policy's TOML; values are TOML, or plain text for words."""
    import json
    import tomllib

    from cctview.errors import SettingsError, nearest

    lines = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line and line[0] != "#")
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in lines:
            raise SettingsError(f"{setting!r} is not NAME=VALUE with a known name; {nearest(name, lines)}")
        try:
            tomllib.loads(f"x = {value}")
        except tomllib.TOMLDecodeError:
            value = json.dumps(value, ensure_ascii=False)
        lines[name] = value
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def time_of(text: str, option: str) -> Any:
    """Read a time of the command line, UTC where it names no zone; raise SettingsError for another text."""
    from datetime import UTC, datetime

    import numpy as np

    from cctview.errors import SettingsError

    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{option} {text!r} is not a time; write it as 2020-05-05T13:30:00-04:00") from error
    aware = given if given.tzinfo else given.replace(tzinfo=UTC)
    return np.datetime64(aware.astimezone(UTC).replace(tzinfo=None), "ns")


def _ids(store: Store, texts: list[str]) -> NDArray[np.int64]:
    """Read ids: 16 hex digits as in exported tables, or the readable id of a detection or still."""
    import numpy as np

    from cctview.cli.names import named, shown
    from cctview.errors import MissingError

    found: set[int] = set()
    for text in texts:
        rows = shown(store, text) or named(store, text)
        if not rows:
            raise MissingError(f"nothing named {text!r} is stored; names stand in the exported tables")
        found.update(rows)
    return np.array(sorted(found), np.int64)
