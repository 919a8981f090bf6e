"""Names: the agent derives by itself what the suite derives by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from switch_agent.names import Application

from cluster_tests import model

ID = "c1ef723e-073b-44d6-b9ad-b26ea25d57d6"
SEGMENT = st.text("abcXYZ019-_.", min_size=1, max_size=8)
BRANCH = st.text("abcXYZ019-_./", min_size=1, max_size=12)


@given(st.lists(SEGMENT, min_size=1, max_size=3), BRANCH, st.sampled_from(["", ".git"]))
def test_agent_and_suite_agree_on_every_name(path: list[str], branch: str, suffix: str) -> None:
    url = f" https://Forge.test/{'/'.join(path)}{suffix}\n"
    ours, theirs = Application(url, branch), model.Application(url, branch)
    assert ours.url == theirs.url
    assert ours.name == theirs.name
    assert ours.project == theirs.project
    assert ours.volume_prefix == theirs.volume_prefix
    assert ours.record_key == theirs.record_key
    assert ours.maintenance_key == theirs.maintenance_key


def test_a_known_name() -> None:
    application = Application("ssh://git@forge/srv/Shop.git", "Main")
    assert application.name == "shop_Main.35fcd"
    assert application.project == "shopain35fcd"
    assert application.source == "ssh://git@forge/srv/Shop.git"


def test_a_checkout_is_told_from_that_of_an_application_with_a_longer_name() -> None:
    application = Application("http://forge/git/shop", "main")
    assert application.is_checkout(application.checkout(ID))
    assert not application.is_checkout(f"{application.name}-x-{ID}")
    assert not application.is_checkout(f"{application.name}-")
    assert not application.is_checkout(application.name)
