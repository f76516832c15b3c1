"""The verb that opens a store in a browser: serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cctview.cli.screen import Json, answer, interruptible

if TYPE_CHECKING:
    import socket

__all__ = ["listen", "register"]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(serve)


def serve(
    store: Annotated[Path, typer.Argument(help="The store to look at.")],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on; others than this machine's need a token.")] = (
        "127.0.0.1"
    ),
    tiles: Annotated[
        str | None, typer.Option(help="URL template of map tiles, as https://host/{z}/{x}/{y}.png; none by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a store in the browser, with a JSON API; listens on this machine only unless told otherwise."""
    listen(store, port=port, host=host, tiles=tiles, as_json=as_json)


def listen(
    store: Path,
    *,
    port: int,
    host: str,
    tiles: str | None = None,
    as_json: bool = False,
    page: str | None = None,
) -> None:
    """Serve until interrupted; the address is printed when it can be opened.

    A ``page`` is opened in the browser, where there is a screen to show one.
    """
    import secrets
    import webbrowser

    import uvicorn

    from cctview.cli.looks import picture_embedder
    from cctview.store import open_store
    from cctview.web.app import create_app
    from cctview.web.pages.mounting import mount_pages

    opened = open_store(store, write=True)
    token = None if _is_loopback(host) else secrets.token_urlsafe(24)
    app = create_app(opened, embed=picture_embedder(opened), token=token, tiles=tiles)
    mount_pages(app, tiles=tiles)
    with _bound(host, port) as door:
        where = f"[{host}]" if ":" in host else host
        url = f"http://{where}:{door.getsockname()[1]}/{page or ''}" + (f"?token={token}" if token else "")
        answer({"open": url, "store": str(store), "stop": "Ctrl-C"}, as_json=as_json)
        settings = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, proxy_headers=False)
        if page is not None and _has_screen():
            webbrowser.open(url)
        with interruptible():
            uvicorn.Server(settings).run(sockets=[door])


def _has_screen() -> bool:
    import os
    import sys

    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    import os
    import socket

    from cctview.errors import SettingsError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port} ({os.strerror(error.errno or 0)}); choose another --port"
        ) from error
