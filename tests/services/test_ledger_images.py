"""The ledger's images: what the three of them must have in common."""

from __future__ import annotations

from pathlib import Path

IMAGES = Path(__file__).parents[2] / "fixtures" / "services" / "ledger" / "images"


def first_layer(image: str) -> str:
    """Give a Dockerfile's lines from FROM to the end of the first RUN."""
    _, _, rest = (IMAGES / image / "Dockerfile").read_text().partition("\nFROM ")
    return rest.split("\n\n")[1]


def test_the_three_images_share_the_layer_with_the_packages() -> None:
    layers = {image.name: first_layer(image.name) for image in IMAGES.iterdir()}
    assert sorted(layers) == ["app", "db", "files"]
    assert "apt-get install" in layers["app"]
    assert set(layers.values()) == {layers["app"]}


def test_the_files_volume_has_one_owner_whoever_mounts_it_first() -> None:
    # Docker hands an empty volume the owner of the mount point in the image of each container.
    for image in ("app", "files"):
        assert (
            "install -d -o ledger -g ledger /srv/files"
            in (IMAGES / image / "Dockerfile").read_text()
        )
