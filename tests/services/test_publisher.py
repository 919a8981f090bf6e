"""Publishing: each application a branch, a domain and a port; nobody else's is touched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import MappingProxyType

import paramiko
import pytest

from cluster_tests.errors import DefinitionError, NodeError, RefusedError, UsageError
from cluster_tests.inventory.entries import Applications, Forge, Inventory, KeyAccess
from cluster_tests.model import SiteDefinition
from cluster_tests.services.git import RemoteBranch, _ssh_command
from cluster_tests.services.publisher import Publisher
from cluster_tests.services.source import ServiceSource, load_source

LEDGER = Path(__file__).parents[2] / "fixtures" / "services" / "ledger"


@pytest.fixture
def forge(tmp_path: Path) -> Path:
    """A directory of bare repositories, as a forge has."""
    git("init", "--quiet", "--bare", str(tmp_path / "forge" / "ledger.git"))
    return tmp_path / "forge"


@pytest.fixture
def inventory(forge: Path) -> Inventory:
    return Inventory.model_construct(
        name="test",
        nodes=MappingProxyType({}),
        forge=Forge.model_construct(
            fetch_url="http://forge/git",
            push_url=forge.as_uri(),
            registry="forge:5000",
            ssh=None,
        ),
        applications=Applications(domain="cluster.test", ports="2200-2201"),  # type: ignore[arg-type]
    )


@pytest.fixture
def publisher(inventory: Inventory) -> Publisher:
    return Publisher(inventory)


@pytest.fixture
def ledger() -> ServiceSource:
    return load_source(LEDGER)


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def branches(forge: Path) -> list[str]:
    names = git("-C", str(forge / "ledger.git"), "branch", "--format=%(refname:short)")
    return names.split()


def published(forge: Path, branch: str, path: str) -> str:
    return git("-C", str(forge / "ledger.git"), "show", f"{branch}:{path}")


def files(forge: Path, branch: str) -> set[str]:
    listed = git("-C", str(forge / "ledger.git"), "ls-tree", "-r", "--name-only", branch)
    return set(listed.splitlines())


def commit_of_another(forge: Path, tmp_path: Path, branch: str) -> str:
    """Let somebody else push ``branch``; give the commit."""
    tree = tmp_path / "another"
    git("init", "--quiet", str(tree))
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git("-C", str(tree), *who, "commit", "--quiet", "--allow-empty", "--message=theirs")
    url = str(forge / "ledger.git")
    git("-C", str(tree), "push", "--quiet", "--force", url, f"HEAD:refs/heads/{branch}")
    return git("-C", str(tree), "rev-parse", "HEAD")


# --- names ----------------------------------------------------------------------------------


def test_a_plan_names_everything_and_creates_nothing(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    planned = publisher.plan(ledger, "one")

    assert planned.application.repo_url == "http://forge/git/ledger.git"
    assert planned.application.branch == "one"
    assert (planned.domain, planned.port) == ("one.cluster.test", 2200)
    assert planned.definition.sites == (
        SiteDefinition("http://one.cluster.test", "one.cluster.test", "app", 8000),
    )
    assert [(front.bind, front.port) for front in planned.definition.fronts] == [(("*:2200",), 22)]
    assert [service.image for service in planned.definition.services] == [
        f"forge:5000/ledger-{image}:latest" for image in ("app", "db", "files")
    ]
    driver = "anybox/buttervolume:latest"
    assert [each.name for each in planned.definition.volumes_on(driver)] == ["db", "files"]
    assert [each.name for each in planned.definition.volumes_off(driver)] == ["cache"]
    assert branches(forge) == []


def test_applications_side_by_side_share_no_port(
    publisher: Publisher, ledger: ServiceSource
) -> None:
    first, second = publisher.plan(ledger, "one"), publisher.plan(ledger, "two")
    assert (first.port, second.port) == (2200, 2201)
    with pytest.raises(RefusedError, match="2200-2201 are in use"):
        publisher.plan(ledger, "three")

    first.withdraw()
    assert publisher.plan(ledger, "three").port == 2200


def test_a_port_that_the_cluster_uses_is_not_given(
    publisher: Publisher, ledger: ServiceSource
) -> None:
    assert publisher.plan(ledger, "one", taken={2200}).port == 2201


def test_a_domain_is_given_once(publisher: Publisher, ledger: ServiceSource) -> None:
    publisher.plan(ledger, "one")
    with pytest.raises(RefusedError, match=r"one\.cluster\.test is the domain of ledger_one"):
        publisher.plan(ledger, "one")


@pytest.mark.parametrize("branch", ["", "a/b", "A", "-a", "a.b", "a" * 64, "a b", "a\n"])
def test_a_branch_that_can_be_no_domain_is_refused(
    publisher: Publisher, ledger: ServiceSource, branch: str
) -> None:
    with pytest.raises(UsageError, match="no part of a domain"):
        publisher.plan(ledger, branch)


# --- the branch -----------------------------------------------------------------------------


def test_the_branch_holds_what_a_node_needs(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    publication = publisher.plan(ledger, "one")
    publication.publish()

    assert branches(forge) == ["one"]
    assert files(forge, "one") == {
        "README.md",
        "docker-compose.yml",
        "keys/authorized_key",
        "keys/host_key",
    }
    compose = published(forge, "one", "docker-compose.yml")
    assert "http://one.cluster.test {" in compose
    assert "reverse_proxy $CONTAINER:8000" in compose
    assert "@" not in compose
    assert published(forge, "one", "keys/authorized_key") == publication.keys.authorized_key


def test_the_published_host_key_is_the_one_the_client_expects(
    publisher: Publisher, ledger: ServiceSource, forge: Path, tmp_path: Path
) -> None:
    publication = publisher.plan(ledger, "one")
    publication.publish()
    path = tmp_path / "host_key"
    path.write_text(published(forge, "one", "keys/host_key") + "\n")

    assert paramiko.Ed25519Key.from_private_key_file(str(path)) == publication.keys.host
    assert publication.keys.host != publication.keys.client
    assert "PRIVATE KEY" not in repr(publication.keys)


def test_another_version_goes_to_the_same_branch_with_the_same_names_and_keys(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    publication = publisher.plan(ledger, "one")
    publication.publish()
    keys = published(forge, "one", "keys/host_key")

    publication.publish(
        ledger.with_compose(
            ledger.compose.replace(
                "cache:/srv/cache", "cache:/srv/cache\n      - more:/srv/more"
            ).replace("  cache:\n", "  more:\n    driver: local\n  cache:\n")
        )
    )

    assert [volume.name for volume in publication.definition.volumes_off("x")] == [
        "cache",
        "db",
        "files",
        "more",
    ]
    assert "more:/srv/more" in published(forge, "one", "docker-compose.yml")
    assert "http://one.cluster.test {" in published(forge, "one", "docker-compose.yml")
    assert published(forge, "one", "keys/host_key") == keys


def test_a_version_that_is_none_changes_nothing(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    publication = publisher.plan(ledger, "one")
    publication.publish()
    before = publication.definition, published(forge, "one", "docker-compose.yml")

    with pytest.raises(DefinitionError):
        publication.publish(ledger.with_compose("services: {}"))
    assert (publication.definition, published(forge, "one", "docker-compose.yml")) == before


def test_a_branch_of_somebody_else_is_refused_and_untouched(
    publisher: Publisher, ledger: ServiceSource, forge: Path, tmp_path: Path
) -> None:
    theirs = commit_of_another(forge, tmp_path, "one")
    publication = publisher.plan(ledger, "one")

    with pytest.raises(RefusedError, match=r"branch one of .* is there, and not by this run"):
        publication.publish()
    publication.withdraw()
    assert git("-C", str(forge / "ledger.git"), "rev-parse", "one") == theirs


def test_a_branch_that_somebody_else_changed_meanwhile_is_left_alone(
    publisher: Publisher, ledger: ServiceSource, forge: Path, tmp_path: Path
) -> None:
    publication = publisher.plan(ledger, "one")
    publication.publish()
    theirs = commit_of_another(forge, tmp_path, "one")

    for change in (publication.publish, publication.withdraw):
        with pytest.raises(RefusedError, match="not by this run"):
            change()
    assert git("-C", str(forge / "ledger.git"), "rev-parse", "one") == theirs


def test_withdrawing_removes_exactly_its_branch(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    one, two = publisher.plan(ledger, "one"), publisher.plan(ledger, "two")
    one.publish()
    two.publish()

    one.withdraw()
    assert branches(forge) == ["two"]
    one.withdraw()
    assert branches(forge) == ["two"]


def test_withdrawing_what_was_never_published_asks_nobody(
    inventory: Inventory, ledger: ServiceSource, forge: Path
) -> None:
    shutil.rmtree(forge)
    Publisher(inventory).plan(ledger, "one").withdraw()


def test_a_branch_withdrawn_can_be_planned_and_published_again(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    for _ in range(2):
        publication = publisher.plan(ledger, "one")
        publication.publish()
        assert branches(forge) == ["one"]
        publication.withdraw()
        assert branches(forge) == []


def test_what_a_killed_run_left_is_withdrawn_by_the_next(
    publisher: Publisher, inventory: Inventory, ledger: ServiceSource, forge: Path
) -> None:
    left = publisher.plan(ledger, "one")
    left.publish()

    following = Publisher(inventory)
    for _ in range(2):
        following.withdraw_leftover(left.application)
        assert branches(forge) == []


def test_what_somebody_else_left_is_no_leftover(
    publisher: Publisher, ledger: ServiceSource, forge: Path, tmp_path: Path
) -> None:
    commit_of_another(forge, tmp_path, "one")
    with pytest.raises(RefusedError):
        publisher.withdraw_leftover(publisher.plan(ledger, "one").application)
    assert branches(forge) == ["one"]


# --- git ------------------------------------------------------------------------------------


def test_a_forge_that_fails_is_named_with_what_to_look_at(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    shutil.rmtree(forge)
    with pytest.raises(NodeError, match="forge: git cannot work with") as caught:
        publisher.plan(ledger, "one").publish()
    assert "git ls-remote file://" in caught.value.remedy


def test_the_users_git_settings_do_not_reach_the_commit(
    publisher: Publisher,
    ledger: ServiceSource,
    forge: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f"[core]\n hooksPath = {hooks}\n autocrlf = true\n[user]\n name = Somebody\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    publisher.plan(ledger, "one").publish()
    monkeypatch.delenv("GIT_DIR")

    assert git("-C", str(forge / "ledger.git"), "log", "--format=%an %ae", "one") == (
        "cluster-tests cluster-tests@localhost"
    )


def test_ssh_knows_the_inventorys_key_and_hosts_alone() -> None:
    access = KeyAccess.model_construct(
        identity_file=Path("/a b/key"), known_hosts=Path("/a b/known_hosts")
    )
    command = _ssh_command(RemoteBranch("ssh://git@forge/x.git", "one", access, 30))
    assert command == (
        "ssh -F /dev/null -i '/a b/key' -o IdentitiesOnly=yes -o BatchMode=yes"
        " -o StrictHostKeyChecking=yes -o 'UserKnownHostsFile=\"/a b/known_hosts\"'"
        " -o ConnectTimeout=30"
    )


# --- templates ------------------------------------------------------------------------------


def service(directory: Path, **contents: str) -> ServiceSource:
    for name, text in {"docker-compose.yml.in": "services: {app: {}}", **contents}.items():
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    return load_source(directory)


def test_modes_and_symbolic_links_are_kept_and_images_stay_behind(tmp_path: Path) -> None:
    source = service(tmp_path / "s", script="#!/bin/sh\n", plain="user@example.org $X @{y}\n")
    (source.directory / "script").chmod(0o755)
    (source.directory / "link").symlink_to("script")
    (source.directory / "images").mkdir()
    (source.directory / "images" / "Dockerfile").touch()
    target = tmp_path / "target"
    source.write(target, {})

    assert {path.name for path in target.iterdir()} == {
        "docker-compose.yml",
        "link",
        "plain",
        "script",
    }
    assert (target / "script").stat().st_mode & 0o111
    assert (target / "link").readlink() == Path("script")
    assert (target / "plain").read_text() == "user@example.org $X @{y}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("@{nothing}", r"@\{nothing\}"), ("a@b", "lone at sign"), ("@word", "lone at sign")],
)
def test_a_template_with_unknown_words_is_refused(
    tmp_path: Path, text: str, complaint: str
) -> None:
    source = service(tmp_path / "s", **{"conf.in": text})
    with pytest.raises(DefinitionError, match=rf"conf\.in: .*{complaint}") as caught:
        source.write(tmp_path / "target", {"domain": "a.test"})
    assert caught.value.remedy


def test_a_directory_without_a_compose_template_is_no_service(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is no service"):
        load_source(tmp_path)


def test_a_value_that_would_be_syntax_is_refused(
    inventory: Inventory, ledger: ServiceSource
) -> None:
    forge = inventory.forge.model_copy(update={"registry": 'x"\n  evil: "'})
    publisher = Publisher(inventory.model_copy(update={"forge": forge}))
    with pytest.raises(DefinitionError, match="registry"):
        publisher.plan(ledger, "one")


def test_a_version_can_be_a_tag(publisher: Publisher, ledger: ServiceSource, forge: Path) -> None:
    publication = publisher.plan(ledger, "one", kind="tags")
    publication.publish()
    tags = ("-C", str(forge / "ledger.git"), "tag")
    assert git(*tags) == "one"
    assert branches(forge) == []
    publication.withdraw()
    assert git(*tags) == ""


def test_a_tag_that_a_killed_run_left_is_withdrawn(
    publisher: Publisher, ledger: ServiceSource, forge: Path
) -> None:
    left = publisher.plan(ledger, "one", kind="tags")
    left.publish()
    publisher.withdraw_leftover(left.application)
    assert git("-C", str(forge / "ledger.git"), "tag") == ""
