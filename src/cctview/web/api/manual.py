"""The page of the API: made from its OpenAPI description, without a script and without another host."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

__all__ = ["manual"]

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; }
section { border-top: 1px solid #8886; padding: 0.75rem 0; }
h2 { font-size: 1rem; margin: 0; }
p { margin: 0.25rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 0.5rem 0 0; }
dd { margin: 0; }
"""
_HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
_VIEW = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def manual(described: dict[str, Any]) -> str:
    """Return the description of an API as a page of HTML."""
    title = escape(described["info"]["title"])
    parts = [
        _HEAD.format(title=title),
        f"{_VIEW}<style>{_STYLE}</style></head><body><h1>{title}</h1>",
        f"<p>{escape(described['info'].get('description', ''))}</p>",
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>',
        *_operations(described),
        "</body></html>",
    ]
    return "\n".join(parts)


def _operations(described: dict[str, Any]) -> Iterator[str]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
            yield f"<p>{escape(operation.get('description', operation.get('summary', '')))}</p>"
            rows = [*_parameters(operation), *_fields(operation, described)]
            if rows:
                yield "<dl>" + "".join(f"<dt><code>{escape(name)}</code></dt><dd>{said}</dd>" for name, said in rows)
                yield "</dl>"
            yield "</section>"


def _parameters(operation: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter in operation.get("parameters", ()):
        said = parameter.get("description", parameter["schema"].get("description", ""))
        yield parameter["name"], _kind(parameter["schema"]) + (f". {escape(said)}" if said else "")


def _fields(operation: dict[str, Any], described: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a body."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = _resolved(content["schema"], described)
        for name, entry in schema.get("properties", {}).items():
            said = entry.get("description", "")
            yield name, _kind(entry) + (f". {escape(said)}" if said else "")


def _resolved(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


def _kind(schema: dict[str, Any]) -> str:
    """Say what a value may be."""
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return "one of " + ", ".join(escape(str(value)) for value in schema["enum"])
    limits = [f"{word} {schema[key]:g}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([escape(str(schema.get("format", schema.get("type", "")))), *limits])
