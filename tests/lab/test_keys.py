import stat
from pathlib import Path

import pytest

from cluster_tests.errors import LabError
from cluster_tests.lab.keys import generate_keys, key_pair
from cluster_tests.lab.plan import LabPlan


def test_a_key_is_generated_once_for_nobody_else_to_read(tmp_path: Path) -> None:
    first = key_pair(tmp_path / "keys", "core")
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    assert first.public.startswith("ssh-ed25519 ")
    assert key_pair(tmp_path / "keys", "core").public == first.public
    assert key_pair(tmp_path / "keys", "cluster").public != first.public


def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "core").write_text("damaged")
    with pytest.raises(LabError) as error:
        key_pair(tmp_path, "core")
    assert error.value.remedy == f"rm {tmp_path / 'core'}"
    assert (tmp_path / "core").read_text() == "damaged"


def test_every_key_is_there_before_hosts_ask_for_them_side_by_side(tmp_path: Path) -> None:
    plan = LabPlan(cluster=tmp_path, state=tmp_path)
    generate_keys(plan)
    made = sorted(path.name for path in plan.keys.iterdir())
    assert made == ["cluster", "core", *(f"host_{host}" for host in sorted(plan.hosts))]
