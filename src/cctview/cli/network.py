"""Verbs about the camera network of a store: network show, network set, network check, network discover."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cctview.cli.screen import Json, answer, say

if TYPE_CHECKING:
    from cctview.discovery import Discovery, FoundLink
    from cctview.network import CameraNetwork, Link
    from cctview.seams import Store

__all__ = ["known_network", "register"]

StorePath = Annotated[Path, typer.Argument(help="The store.")]
File = Annotated[Path | None, typer.Argument(help="Camera network file: cameras and the links between them.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="The camera network of a store: cameras, links and time zone.", no_args_is_help=True)
    for name, verb in (("show", show), ("set", put), ("check", check), ("discover", find)):
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
    """Hold a camera network, the store's or a file's, against what is stored; exit 1 where they do not fit.

    Links, directions, travel times, clocks and names of cameras are held against the traffic.
    """
    from cctview.network import load_network
    from cctview.pipeline import verdict_on
    from cctview.store import open_store

    opened = open_store(store)
    network = load_network(file) if file else known_network(opened, store)
    found = _stored(opened, network)
    otherwise = _linked_otherwise(opened, network)
    verdict = verdict_on(network, opened)
    traffic = {
        "what traffic says against the network": list(verdict.wrong),
        "links the network lacks": list(verdict.lacks),
        "links that traffic confirms": [" -> ".join(pair) for pair in verdict.confirmed],
        "links of which traffic shows nothing": [" -> ".join(pair) for pair in verdict.unseen],
    }
    answer({**_told(network), **found, "tables linked with another network": otherwise, **traffic}, as_json=as_json)
    if found["cameras the network does not know"] or otherwise or verdict.wrong:
        raise typer.Exit(1)


def find(
    store: StorePath,
    out: Annotated[Path | None, typer.Option(help="Write what was found as a camera network file.")] = None,
    as_json: Json = False,
) -> None:
    """Find links, directions, travel times and wrong clocks from the traffic alone, with evidence; the store stays.

    `track` without a network does the same and links along what it finds.
    """
    from cctview.discovery import learnt_network
    from cctview.errors import MissingError
    from cctview.formats.files import write_text
    from cctview.network import network_toml
    from cctview.pipeline import found_in
    from cctview.store import open_store
    from cctview.types import Tracklets

    opened = open_store(store)
    if not opened.columns(Tracklets, ["camera"]).num_rows:
        raise MissingError(f"{store}: no tracklets to find links in; make them with: cctview track {store}")
    said, found = found_in(opened)
    network = learnt_network(found, said)
    if out is not None:
        write_text(out, network_toml(network))
    answer(_found(found, network) if as_json else _found_words(found), as_json=as_json)


def _found(found: Discovery, network: CameraNetwork) -> dict[str, Any]:
    """Return all that was found, for programs."""
    return {
        "links": [_link(link, network) for link in found.links],
        "through": [{**_link(link, network), "through": link.through} for link in found.through],
        "clocks": [vars(clock) for clock in found.clocks],
        "clocks unknown": sorted(set(found.cameras) - {clock.camera for clock in found.clocks}),
        "cameras without traffic enough": list(found.quiet),
        "pairs of directions tried": found.tried,
        "minutes": round(found.minutes, 1),
    }


def _link(link: FoundLink, network: CameraNetwork) -> dict[str, Any]:
    timing = link.timing
    return {
        "from": link.origin,
        "to": link.target,
        "direction": _direction(link, network),
        "leaves": link.leaves,
        "arrives": link.arrives,
        "median_s": round(timing.median_s, 1),
        "median_low_s": round(timing.low_s, 1),
        "median_high_s": round(timing.high_s, 1),
        "p10_s": round(timing.p10_s, 1),
        "p90_s": round(timing.p90_s, 1),
        "share": round(link.share, 3),
        "vehicles": link.found,
        "evidence": round(link.evidence, 1),
        "false_rate": link.false_rate,
        "probability": link.probability,
    }


def _direction(link: FoundLink, network: CameraNetwork) -> str:
    """Return the compass direction of a link where the heading of its origin is known, else how it leaves there."""
    from cctview.network import COMPASS

    facing = network.heading(link.origin)
    if facing is None:
        return link.leaves
    degrees = facing + {"away": 0.0, "towards": 180.0, "right": 90.0, "left": 270.0}[link.leaves]
    return list(COMPASS)[round(degrees / 45) % 8]


def _found_words(found: Discovery) -> dict[str, Any]:
    """Return what was found, for people."""
    from cctview.discovery import told_way

    links = [
        f"{told_way(link)}: {link.found:,} vehicles found again, {link.evidence:.0f} standard deviations above chance, "
        f"{'sure' if link.sure else 'likely'}"
        for link in found.links
    ]
    clocks = [
        f"{clock.camera}: {abs(clock.ahead_s):.0f} s {'ahead' if clock.ahead_s > 0 else 'behind'}, give or take "
        f"{clock.error_s:.0f} s{', or the other one is' if clock.alone else ''}"
        for clock in found.clocks
        if clock.ahead_s
    ]
    return {
        "links": links or "none that is more than chance",
        "ways through other cameras": [f"{told_way(link)}: through {link.through}" for link in found.through],
        "wrong clocks": clocks,
        "clocks unknown": sorted(set(found.cameras) - {clock.camera for clock in found.clocks}),
        "cameras without traffic enough": list(found.quiet),
        "looked at": f"{found.tried} pairs of directions in {found.minutes:.1f} minutes",
    }


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
        "links": [f"{link.origin} -> {link.target}, {_length(link)}" for link in network.links],
    }


def _length(link: Link) -> str:
    """Return how long a link is, and what traffic told of it."""
    length = [f"{link.metres:.0f} m"] if link.measured else []
    told = link.learnt
    if told:
        length.append(f"{told.median_s:.0f} s ({told.p10_s:.0f}-{told.p90_s:.0f}), learnt from traffic")
    return ", ".join(length) or f"{link.min_s:.0f} to {link.max_s:.0f} s"


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
