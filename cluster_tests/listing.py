"""``cluster-tests list``: what there is to run, and what it covers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster_tests.grammar.catalogue import coverage, is_selected, read_catalogue, require_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cluster_tests.grammar.catalogue import Entry


def list_specs(
    folder: Annotated[Path, typer.Argument(help="The folder of the specs, or one file.")] = Path(
        "specs"
    ),
    *,
    only: Annotated[
        list[str] | None, typer.Option(help="An ID, a kind, a tag or a class; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="An array of objects.")] = False,
) -> None:
    """List the spec classes with ID, kind, case and tags, and tell what they cover."""
    everything = read_catalogue(folder)
    require_known(only or [], everything)
    entries = [entry for entry in everything if is_selected(entry, only or [], [])]
    if as_json:
        typer.echo(json.dumps([entry.as_json() for entry in entries], indent=1))
        return
    for line in _columns(entries):
        typer.echo(line)
    typer.echo(f"\n{len(entries)} spec classes; {coverage(entries)}")


def _columns(entries: Sequence[Entry]) -> Iterator[str]:
    """Write a row each, its cells under each other; rows are never cut: they are to be searched."""
    rows = [("kind", "case", "id", "tags", "spec")]
    for entry in entries:
        spec = f"{entry.file}:{entry.class_name}"
        rows.append((entry.kind or "-", entry.case, entry.id, " ".join(entry.tags), spec))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        padded = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
