"""Verbs about the camera network that stands in a store: network show, network set, network check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.screen import Json, answer, say

if TYPE_CHECKING:
    from cctview.network import CameraNetwork
    from cctview.seams import Store

__all__ = ["known_network", "register"]

StorePath = Annotated[Path, typer.Argument(help="The store.")]
File = Annotated[Path | None, typer.Argument(help="Camera network file: cameras and the links between them.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="The camera network of a store: cameras, links and time zone.", no_args_is_help=True)
    for name, verb in (("show", show), ("set", put), ("check", check)):
        group.command(name)(verb)
    app.add_typer(group, name="network")


def show(
    store: StorePath,
    out: Annotated[Path | None, typer.Option(help="Write it as a camera network file, too.")] = None,
    as_json: Json = False,
) -> None:
    """Say which cameras and links the store knows, its time zone, and which cameras it holds beside them."""
    from cctview.formats.files import write_text
    from cctview.network import network_toml
    from cctview.store import open_store

    opened = open_store(store)
    network = known_network(opened, store)
    if out is not None:
        write_text(out, network_toml(network))
    answer({**_told(network), **_stored(opened, network)}, as_json=as_json)


def put(
    store: StorePath,
    file: Annotated[Path, typer.Argument(help="Camera network file: cameras and the links between them.")],
    as_json: Json = False,
) -> None:
    """Put a camera network in the place of the one before; `track` then links along it."""
    from cctview.network import load_network
    from cctview.store import open_store
    from cctview.types import Matches

    network, opened = load_network(file), open_store(store, write=True)
    before = opened.network
    opened.set_network(network)
    if before != network and opened.columns(Matches, ["query"]).num_rows:
        say(f"what is linked in the store was linked otherwise; link it anew with: cctview track {store}")
    answer({**_told(network), **_stored(opened, network)}, as_json=as_json)


def check(store: StorePath, file: File = None, as_json: Json = False) -> None:
    """Hold a camera network, the store's or a file's, against what is stored; exit 1 where they do not fit."""
    from cctview.network import load_network
    from cctview.store import open_store

    opened = open_store(store)
    network = load_network(file) if file else known_network(opened, store)
    found = _stored(opened, network)
    otherwise = _linked_otherwise(opened, network)
    answer({**_told(network), **found, "tables linked with another network": otherwise}, as_json=as_json)
    if found["cameras the network does not know"] or otherwise:
        raise typer.Exit(1)


def known_network(store: Store, path: Path) -> CameraNetwork:
    """Return the camera network of a store; raise MissingError, with the next step, where it knows none."""
    from cctview.errors import MissingError

    network = store.network
    if network is None:
        raise MissingError(f"{path}: this store knows no camera network; give it one: cctview network set {path} FILE")
    return network


def _told(network: CameraNetwork) -> dict[str, Any]:
    return {
        "time zone": network.timezone or "not said, so times are shown in UTC",
        "network": network.digest,
        "cameras": dict(zip(*_names(network), strict=True)),
        "links": [f"{link.origin} -> {link.target}, {link.metres:.0f} m" for link in network.links],
    }


def _names(network: CameraNetwork) -> tuple[list[str], list[str]]:
    return network.cameras.id.tolist(), network.cameras.name.tolist()


def _stored(store: Store, network: CameraNetwork) -> dict[str, list[str]]:
    """Return which cameras stand in the store only, and which in the network only."""
    from cctview.types import Frames

    cameras = store.columns(Frames, ["camera"])["camera"].unique().to_pylist()
    return {
        "cameras the network does not know": list(network.unknown(cameras)),
        "cameras without stills": sorted(set(network.cameras.id.tolist()) - set(cameras)),
    }


def _linked_otherwise(store: Store, network: CameraNetwork) -> list[str]:
    """Return the derived tables that carry the hash, or the time zone, of another network."""
    producers = {name: said["producer"] for name, said in store.summary().items()}
    return [name for name, meta in producers.items() if "network" in meta and not network.meta.items() <= meta.items()]
