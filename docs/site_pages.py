"""What MkDocs needs beside the pages of this folder: the ones at the top of the checkout, and the Python reference.

The reference is read from the source (griffe), not by importing it: one page for ``cctview.__all__`` and one for
the face of each package, with the docstrings as they stand in the code.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
AT_THE_TOP = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "ARCHITECTURE.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "PRIVACY.md": "PRIVACY.md",
    "SECURITY.md": "SECURITY.md",
}
# Packages and modules with a page of their own, in the order in which data flows; rooms that only the program uses
# (cli, web, download, ...) have none.
REFERENCE = (
    "types", "table", "network", "sources", "detect", "embed", "models", "road", "tracking", "matching", "discovery",
    "reid", "journeys", "aggregates", "privacy", "store", "execute", "pipeline", "sim", "simulated", "original",
    "formats", "metrics", "evaluate", "datasets", "geometry", "assign", "naming", "seams", "plugins", "testing",
    "errors",
)  # fmt: skip
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]*)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of the reference below its first one, and leave out pages that this checkout does not have."""
    config.nav = [kept for item in config.nav or [] if (kept := _present(item))]
    for item in config.nav:
        if item.get("Python") == "api/index.md":
            item["Python"] = ["api/index.md", *({f"cctview.{name}": f"api/{name}.md"} for name in _pages())]
    return config


def _present(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item of the navigation without pages that are not there."""
    ((title, place),) = item.items()
    if isinstance(place, list):
        inner = [kept for one in place if (kept := _present(one))]
        return {title: inner} if inner else {}
    home = next((name for name, page in AT_THE_TOP.items() if page == place), f"docs/{place}")
    return item if place.startswith("api/") or (ROOT / home).exists() else {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages at the top of the checkout and the reference."""
    for name, place in AT_THE_TOP.items():
        if (ROOT / name).exists():
            files.append(File.generated(config, place, content=_at_home((ROOT / name).read_text(encoding="utf-8"))))
    files.append(File.generated(config, "api/index.md", content=_front()))
    for name in _pages():
        files.append(File.generated(config, f"api/{name}.md", content=_page(name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of this folder to the page, or to a copy of the file; a folder is named without a link."""
    here = posixpath.dirname(page.file.src_uri)

    def led(link: re.Match[str]) -> str:
        picture, text, target, anchor = link[1], link[2], link[3], link[4] or ""
        if not target.startswith("../") or here:
            return link[0]
        name = posixpath.normpath(posixpath.join("docs", target))
        if name in AT_THE_TOP:
            return f"{picture}[{text}]({AT_THE_TOP[name]}{anchor})"
        if not (ROOT / name).is_file():
            return text
        if files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
        return f"{picture}[{text}]({name}{anchor})"

    return _LINK.sub(led, markdown)


def _at_home(text: str) -> str:
    """Return a page at the top of the checkout as it would stand in this folder."""

    def moved(link: re.Match[str]) -> str:
        target = posixpath.relpath(link[3], "docs") if link[3] else ""
        return f"{link[1]}[{link[2]}]({target}{link[4] or ''})"

    return _LINK.sub(moved, text)


@cache
def _source() -> Any:
    """Return the package as it stands in the source."""
    return griffe.load("cctview", search_paths=[ROOT / "src"], docstring_parser="google", resolve_aliases=True)


def _pages() -> list[str]:
    return [name for name in REFERENCE if name in _source().members]


def _public(module: Any) -> list[str]:
    """Return the paths of what a module or package offers, its own rooms unfolded where it has no face.

    A constant that shares its line with another is not seen, and not described.
    """
    if module.exports:
        seen = (str(name) for name in module.exports if name in module.members)  # not ``A, B = 1, 2``
        return [f"{module.path}.{name}" for name in seen if not name.startswith("__")]
    inner = [member for name, member in sorted(module.modules.items()) if not name.startswith("_")]
    return [path for member in inner for path in _public(member)]


def _said(path: str) -> str:
    """Return the first sentence about a thing."""
    thing = _source()[path.removeprefix("cctview.")]
    text = thing.docstring.value if thing.docstring else ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def _front() -> str:
    """Return the first page: what ``import cctview`` offers."""
    names = sorted(name for name in _source().exports if not name.startswith("__"))
    rows = [f"| [`{name}`][{_home(name)}] | {_said(f'cctview.{name}')} |" for name in names]
    head = (
        "# Python\n\nAll of this stands at the root, `import cctview`, and is imported from its module on first use. "
        "The pages of the packages have what else they offer. Shapes are written as `(N, 4)`; times are "
        "`datetime64[ns]` UTC, boxes `xyxy` pixels, distances metres, speeds m/s.\n\n| | |\n|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _home(name: str) -> str:
    """Return where the reference describes a name of the root: on the page of the package it comes from."""
    return str(_source().members[name].target_path)


def _page(name: str) -> str:
    """Return the page of a package or module."""
    module = _source()[name]
    told = module.docstring.value if module.docstring else ""
    return "\n\n".join([f"# cctview.{name}", told, *map(_entry, _public(module))]) + "\n"


def _entry(path: str) -> str:
    """Return the order to describe one thing; of a table, each column with its type and shape."""
    columns = any("Column" in str(member.value) for member in _attributes(path))
    return f"::: {path}" + ("\n    options:\n      show_if_no_docstring: true" if columns else "")


def _attributes(path: str) -> list[Any]:
    thing = _source()[path.removeprefix("cctview.")]
    return [member for member in thing.members.values() if member.is_attribute] if thing.is_class else []
