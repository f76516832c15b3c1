"""What stands before every request: who may ask, from which page, how much, and what a browser may do with it.

Without a token only this machine's own names are answered, so that a foreign name that resolves to
it (DNS rebinding) reaches nothing; with one, every request and every socket shows it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cctview.errors import SettingsError
from cctview.web.api.problems import problem

__all__ = ["COOKIE", "LOOPBACK", "MAX_BODY", "Guard"]

COOKIE = "cctview_token"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_BODY = 16_000_000
_SAFE = {"GET", "HEAD", "OPTIONS"}
_MONTH_S = 30 * 86_400
# The pages are drawn by NiceGUI, whose start is an inline script and whose templates are compiled in the browser.
_PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:{tiles}; font-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_DATA = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_TILES = re.compile(r"https?://(?:\{s\}\.)?[A-Za-z0-9.-]+(?::[0-9]+)?(?=/)")
_DATA_PATHS = ("/api/", "/docs", "/openapi.json")


class Guard:
    """Wrap an application: token, origin, size, and the headers of every answer."""

    def __init__(
        self, app: ASGIApp, *, token: str | None = None, hosts: Iterable[str] = LOOPBACK, tiles: str | None = None
    ) -> None:
        self.app = app
        self.token = token
        self.hosts = frozenset(hosts)
        self.pages = _PAGES.format(tiles=_host_of(tiles))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on to the application."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        sealed = self._with_headers(scope, send)
        if refusal is None:
            await self.app(scope, _bounded(receive) if scope["type"] == "http" else receive, sealed)
        elif scope["type"] == "http":
            await refusal(scope, receive, sealed)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return why a request is not passed on, None when it is."""
        if self.token is None and _host(headers) not in self.hosts:
            return problem(421, "this server answers on this machine only: ask for http://127.0.0.1")
        if _from_elsewhere(scope, headers):
            return problem(403, "this came from another site's page; open cctview itself")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > MAX_BODY:
            return problem(413, f"more than {MAX_BODY // 1_000_000} MB; send a smaller picture")
        return self._without_token(scope, headers) if self.token is not None else None

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the refusal for a request without the token; a link that carries it opens the door for later ones."""
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        given = [value for name, value in query if name == "token"]
        if scope["type"] == "http" and scope["method"] in _SAFE and any(map(self._right, given)):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            door = RedirectResponse("/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else ""), 303)
            door.set_cookie(COOKIE, self.token or "", max_age=_MONTH_S, httponly=True, samesite="strict")
            return door
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if (scheme.lower() == "bearer" and self._right(bearer)) or self._right(_cookie(headers)):
            return None
        refusal = problem(401, "open the link that `cctview serve` printed: it carries the token")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        policy = _DATA if scope["path"].startswith(_DATA_PATHS) else self.pages

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]  # no other site may read an answer, whatever a library below allows
                headers.update(
                    {
                        "Content-Security-Policy": policy,
                        "X-Content-Type-Options": "nosniff",
                        "X-Frame-Options": "DENY",
                        "Referrer-Policy": "no-referrer",
                        "Cross-Origin-Opener-Policy": "same-origin",
                        "Cross-Origin-Resource-Policy": "same-origin",
                        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
                    }
                )
            await send(message)

        return sealed


def _bounded(receive: Receive) -> Receive:
    """Cut off a body that goes on beyond the limit without having declared its length."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            return {"type": "http.disconnect"}
        return message

    return counted


def _from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Return whether a request that may change something, or a socket, comes from another site's page."""
    if scope["type"] == "http" and scope["method"] in _SAFE:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.lower().partition("://")[2] != headers.get("host", "").lower()


def _host_of(tiles: str | None) -> str:
    """Return where map tiles come from, as a content security policy says it; raise SettingsError for no such URL."""
    if not tiles:
        return ""
    found = _TILES.match(tiles)
    if not found:
        raise SettingsError(f"{tiles!r} is no URL of map tiles; write it as https://host/{{z}}/{{x}}/{{y}}.png")
    return " " + found[0].replace("{s}", "*")


def _host(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
