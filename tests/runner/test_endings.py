"""How runs end: exit codes, the verdict, the XML report, and what is printed of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spec_folder import SpecFolder

pytest_plugins = ["spec_folder"]

GOOD = """
    class WhenAllIsWell:
        def because(self): self.x = 1
        def should_hold(self): assert self.x == 1
"""


def test_a_run_that_holds_ends_with_0(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    done = specs.run()
    assert done.returncode == 0
    assert done.stdout.endswith("verdict: pass\n")


def test_a_spec_that_needs_no_cluster_opens_no_session(specs: SpecFolder) -> None:
    specs.write(
        "a_spec.py",
        GOOD
        + """
        def should_not_load_clients(self):
            import sys
            assert not {"docker", "paramiko", "consul"} & set(sys.modules)
    """,
    )
    assert specs.run().returncode == 0


NOTICED = """
    from cluster_tests.session import current
    class WhenSomethingIsNoticed:
        def because(self): current.notice("by running a command")
        def should_hold(self): assert 1, "all is well"
"""


@pytest.mark.parametrize("options", [(), ("-s",), ("-v",), ("-v", "-s")])
def test_what_every_run_is_to_show_is_shown_once(
    specs: SpecFolder, options: tuple[str, ...]
) -> None:
    specs.write("a_spec.py", NOTICED)
    done = specs.run("specs", *options)
    assert done.returncode == 0
    assert done.stdout.splitlines().count("by running a command") == 1


def test_a_quiet_run_shows_no_notice(specs: SpecFolder) -> None:
    specs.write("a_spec.py", NOTICED)
    assert "by running a command" not in specs.run("specs", "-q").stdout


@pytest.mark.parametrize(
    ("raised", "code", "verdict"),
    [
        ("AssertionError('x')", 1, "fail"),
        ("ClusterError('x')", 1, "fail"),
        ("NotSettledError('x')", 1, "fail"),
        ("HarnessError('x')", 2, "unknown"),
        ("NodeError('core3', 'x')", 2, "unknown"),
        ("LabError('x')", 2, "unknown"),
        ("RefusedError('x')", 3, "usage"),
        ("KeyError('a bug')", 1, "fail"),
    ],
)
@pytest.mark.parametrize("step", ["given", "because", "should", "cleanup"])
def test_an_error_decides_on_verdict_and_exit_code(
    specs: SpecFolder, step: str, raised: str, code: int, verdict: str
) -> None:
    bodies = {"given": "pass", "because": "pass", "should": "assert 1", "cleanup": "pass"}
    bodies[step] = f"raise {raised}" if step != "should" else f"assert 1; raise {raised}"
    methods = "".join(f"    def {name}(self): {body}\n" for name, body in bodies.items())
    specs.write("a_spec.py", f"from cluster_tests.errors import *\nclass WhenX:\n{methods}")
    done = specs.run()
    assert done.returncode == code, done.stdout
    assert f"verdict: {verdict}" in done.stdout
    assert "FAILED!" in done.stdout


def test_a_failure_outweighs_what_is_unknown(specs: SpecFolder) -> None:
    specs.write(
        "a_spec.py",
        """
        from cluster_tests.errors import HarnessError
        class WhenX:
            def because(self): pass
            def should_a(self): assert 0, "broken"
            def should_b(self):
                assert 1
                raise HarnessError("no answer")
    """,
    )
    done = specs.run()
    assert done.returncode == 1
    assert done.stdout.endswith("verdict: fail, 1 could not be judged\n")


@pytest.mark.parametrize("step", ["given", "because"])
def test_a_cleanup_that_raises_hides_nothing_of_what_came_before(
    specs: SpecFolder, step: str
) -> None:
    specs.write(
        "a_spec.py",
        f"""
        from cluster_tests.errors import ClusterError, HarnessError
        class WhenX:
            def given(self): self._broken("given")
            def because(self): self._broken("because")
            def _broken(self, step):
                if step == "{step}": raise ClusterError("it broke its promise")
            def should_a(self): assert 1
            def cleanup(self):
                try: {{}}["deep down"]
                except KeyError as error: raise HarnessError("no answer") from error
    """,
    )
    done = specs.run("specs", "-v")
    assert done.returncode == 1
    assert f"before that, its {step} raised: it broke its promise" in done.stdout
    assert f"    {step}: it broke its promise\n    1 more did not hold: cleanup\n" in done.stdout
    assert done.stdout.endswith("verdict: fail, 1 could not be judged\n")


def test_our_own_errors_show_message_and_remedy_without_a_traceback(specs: SpecFolder) -> None:
    specs.write(
        "a_spec.py",
        """
        from cluster_tests.errors import NodeError
        class WhenX:
            def given(self):
                try:
                    {}["deep down"]
                except KeyError as error:
                    raise NodeError("core3", "no engine", remedy="start it") from error
            def because(self): pass
            def should_a(self): assert 1
    """,
    )
    output = specs.run().stdout
    assert "core3: no engine\n" in output
    assert "to mend it: start it" in output
    assert "Traceback" not in output


def test_a_failed_assertion_shows_the_spec_and_none_of_the_framework(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD.replace("== 1", "== 2"))
    output = specs.run().stdout
    assert "Asserted 1 == 2" in output
    assert "should_hold" in output
    assert "contexts/core.py" not in output


def test_a_class_chosen_by_name_has_its_assertions_rewritten(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD.replace("== 1", "== 2"))
    assert "Asserted 1 == 2" in specs.run("specs/a_spec.py:WhenAllIsWell").stdout


@pytest.mark.parametrize("step", ["given", "because", "cleanup"])
def test_the_xml_report_has_the_step_that_raised(specs: SpecFolder, step: str) -> None:
    specs.write(
        "a_spec.py",
        GOOD
        + f"""
        def {step}_fails(self): raise KeyError("lost")
    """.replace("because_fails", "because"),
    )
    root = specs.xml()
    assert root.get("errors") == "1"
    [suite] = root
    [case] = [case for case in suite if case.find("error") is not None]
    assert case.get("name") == step
    assert "KeyError: 'lost'" in case.findtext("error", "")


def test_the_xml_report_has_a_class_that_cannot_start(specs: SpecFolder) -> None:
    specs.write(
        "a_spec.py",
        """
        class WhenX:
            @classmethod
            def examples(cls): raise KeyError("lost")
            def because(self): pass
            def should_a(self): assert 1
    """,
    )
    assert specs.run().returncode == 1
    root = specs.xml()
    assert root.get("errors") == "1"
    assert [suite.get("name") for suite in root] == ["When x"]


def test_an_import_error_reaches_the_xml_report_and_nothing_runs(specs: SpecFolder) -> None:
    specs.write("a_spec.py", "import no_such_module")
    specs.write("b_spec.py", GOOD)
    done = specs.run()
    assert done.returncode == 1
    assert "no_such_module" in done.stdout
    assert "PASS" not in done.stdout
    root = specs.xml()
    assert any("no_such_module" in (error.text or "") for error in root.iter("error"))


def test_the_folder_of_the_xml_report_is_made(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    specs.run("specs", "--xml", str(specs.path / "new" / "deep" / "report.xml"))
    assert (specs.path / "new" / "deep" / "report.xml").is_file()


def test_a_run_without_a_spec_fails_and_says_so(specs: SpecFolder) -> None:
    specs.write("a_spec.py", "class Nothing: pass")
    done = specs.run()
    assert done.returncode == 3
    assert "no spec was found" in done.stdout


def test_an_empty_folder_fails_too(specs: SpecFolder) -> None:
    done = specs.run()
    assert done.returncode == 3
    assert "no spec was found" in done.stdout


def test_a_class_without_sentences_fails_before_anything_runs(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    specs.write("b_spec.py", "class WhenX:\n    def because(self): pass\n")
    done = specs.run()
    assert done.returncode == 3
    assert "WhenX has no sentence" in done.stdout
    assert "PASS" not in done.stdout


@pytest.mark.parametrize(
    ("target", "suggestion"),
    [
        ("spcs", "did you mean specs?"),
        ("specs/a_spek.py", "did you mean specs/a_spec.py?"),
        ("specs/deep/er/a_spec.py", "specs/a_spec.py"),
        ("specs/a_spec.py:WhenAllIsWel", "did you mean specs/a_spec.py:WhenAllIsWell?"),
        ("specs/a_spec.py:Completely", "there is: specs/a_spec.py:WhenAllIsWell"),
        ("specs:WhenAllIsWell", "specs/FILE.py:WhenAllIsWell"),
    ],
)
def test_what_is_not_there_is_answered_with_the_nearest_match(
    specs: SpecFolder, target: str, suggestion: str
) -> None:
    specs.write("a_spec.py", GOOD)
    done = specs.run(target)
    assert done.returncode == 3
    assert suggestion in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argument", ["--nonsense", "--seed=x"])
def test_a_wrong_option_ends_with_3(specs: SpecFolder, argument: str) -> None:
    done = specs.run("specs", argument)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_a_missing_inventory_is_refused_before_anything_runs(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    done = specs.run("specs", "--inventory", "nowhere.yaml")
    assert done.returncode == 3
    assert "nowhere.yaml" in done.stderr
    assert "PASS" not in done.stdout


def test_without_a_path_the_folder_specs_is_run(specs: SpecFolder) -> None:
    specs.write("a_spec.py", GOOD)
    (specs.path.parent / "tests").mkdir()
    (specs.path.parent / "tests" / "test_x.py").write_text("raise SystemError('not for contexts')")
    assert specs.run("-v").returncode == 0


def test_a_syntax_error_is_shown_with_its_line(specs: SpecFolder) -> None:
    specs.write("a_spec.py", "def broken(:\n")
    done = specs.run("specs/a_spec.py:WhenX")
    assert done.returncode == 3
    assert "specs/a_spec.py:1" in done.stderr
