"""Other versions of a service: a patch of its compose file, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cluster_tests.errors import DefinitionError
from cluster_tests.services.source import _merged, load_source

if TYPE_CHECKING:
    from cluster_tests.model import ServiceDefinition

LEDGER = load_source(Path(__file__).parents[2] / "fixtures" / "services" / "ledger")
BTRFS = "anybox/buttervolume:latest"
VALUES = {
    "domain": "b1.cluster.test",
    "port": "2201",
    "registry": "forge:5000",
    "tag": "latest",
    "version": "b1",
    "network": "cluster_default",
    "volume_driver": BTRFS,
    "host_key": "",
    "authorized_key": "",
}
FAULTY = {"absent-image", "unbuildable-image", "exits-at-once", "invalid-compose", "foreign-domain",
          "failing-update", "failing-post-migrate"}  # fmt: skip
# Source: RFC 7396, appendix A.
RFC_EXAMPLES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_EXAMPLES)
def test_patches_are_merged_as_the_rfc_says(target: object, patch: object, result: object) -> None:
    assert _merged(target, patch) == result


@given(st.dictionaries(st.text(), st.integers() | st.lists(st.integers())))
def test_an_empty_patch_changes_nothing(target: dict[str, object]) -> None:
    assert _merged(target, {}) == target


def definition(variant: str = "") -> ServiceDefinition:
    return (LEDGER.variant(variant) if variant else LEDGER).definition(VALUES)


def volumes(variant: str = "") -> dict[str, str]:
    return {volume.name: volume.driver for volume in definition(variant).volumes}


@pytest.mark.parametrize(
    ("variant", "volume", "driver"),
    [
        ("with-drafts", "drafts", BTRFS),
        ("with-archive", "archive", BTRFS),
        ("with-papers", "papers", BTRFS),
        ("with-scratch", "scratch", "local"),
        ("with-spool", "spool", "local"),
    ],
)
def test_a_variant_has_one_volume_more(variant: str, volume: str, driver: str) -> None:
    assert volumes(variant) == {**volumes(), volume: driver}


def test_past_caddy_there_is_no_site_and_the_domain_leads_to_the_container() -> None:
    found = definition("past-caddy")
    assert found.sites == ()
    [front] = [entry for entry in found.fronts if entry.front == "http-in"]
    assert (front.match, front.service, front.port) == ("b1.cluster.test", "app", 8000)
    assert volumes("past-caddy") == volumes()


def test_every_variant_is_tested_here() -> None:
    names = {path.stem for path in (LEDGER.directory / "variants").iterdir()}
    assert names == {"with-drafts", "with-archive", "with-papers", "with-scratch", "with-spool",
                     "past-caddy", *FAULTY, "scripted", "migrated"}  # fmt: skip


@pytest.mark.parametrize("variant", sorted(FAULTY - {"foreign-domain"}))
def test_a_faulty_version_has_the_volumes_of_the_good_one(variant: str) -> None:
    assert volumes(variant) == volumes()


def test_a_version_may_ask_for_a_domain_that_is_told_when_it_is_published() -> None:
    with pytest.raises(DefinitionError, match="other_domain"):
        definition("foreign-domain")
    found = LEDGER.variant("foreign-domain").definition({**VALUES, "other_domain": "o.test"})
    assert found.domains == ("o.test",)


def test_a_source_and_a_target_of_migrations_share_a_volume_that_stays_out() -> None:
    assert volumes("scripted") == {**volumes(), "kept": BTRFS, "theirs": BTRFS}
    assert volumes("migrated") == {**volumes(), "kept": BTRFS, "ours": BTRFS}
    label = (("com.github.mlfmonde.cluster.nonmigrable", "true"),)
    for variant in ("scripted", "migrated"):
        labels = {volume.name: volume.labels for volume in definition(variant).volumes}
        assert {name for name, found in labels.items() if found == label} == {"kept"}


def test_files_of_a_variant_come_on_top_and_scripts_can_be_run(tmp_path: Path) -> None:
    LEDGER.variant("scripted").write(tmp_path, VALUES)
    for name in ("update.sh", "post_migrate.sh"):
        assert (tmp_path / name).stat().st_mode & 0o111
    assert (tmp_path / "docker-compose.yml").exists()


def test_a_compose_file_of_its_own_is_written_and_not_read(tmp_path: Path) -> None:
    LEDGER.variant("invalid-compose").write(tmp_path, VALUES)
    written = yaml.safe_load((tmp_path / "docker-compose.yml").read_text())
    assert written == {"services": ["app", "db", "files"]}


def test_a_variant_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(DefinitionError, match="no variant 'with-darfts'") as caught:
        LEDGER.variant("with-darfts")
    assert "with-drafts" in caught.value.remedy


def test_variants_stay_behind_when_one_is_published(tmp_path: Path) -> None:
    LEDGER.variant("with-drafts").write(tmp_path / "tree", VALUES)
    assert not (tmp_path / "tree" / "variants").exists()
    written = yaml.safe_load((tmp_path / "tree" / "docker-compose.yml").read_text())
    assert written["volumes"]["drafts"] == {"driver": BTRFS}
