"""Errors as problem+json (RFC 9457): what was wrong and the next step, never a path or a stack."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from cctview.errors import CctviewError, InputError, MissingError, PolicyError

__all__ = ["PROBLEM", "answer_problems", "problem"]

PROBLEM = "application/problem+json"
_LOG = logging.getLogger(__name__)
_STATUS = ((MissingError, 404), (PolicyError, 403), (InputError, 422))
_LONGEST = 1000


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """Return an error as a response."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail[:_LONGEST], **more}
    return JSONResponse(body, status, media_type=PROBLEM, headers={"Cache-Control": "no-store"})


def answer_problems(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(CctviewError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(request: Request, error: Exception) -> Response:
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return problem(status, str(error))
    _LOG.error("%s %s: %s", request.method, request.url.path, error)
    return problem(503, "the store cannot be read or written just now; try again, the server's log says more")


async def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = problem(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    wrong = [{"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in error.errors()]
    said = "; ".join(f"{item['where']}: {item['what']}" for item in wrong)
    return problem(422, said, errors=wrong)


async def _unforeseen(request: Request, error: Exception) -> Response:
    _LOG.exception("%s %s", request.method, request.url.path, exc_info=error)
    return problem(500, "this is a bug in cctview; the server's log has the details, please report it")
