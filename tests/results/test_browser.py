"""The report in a real Chromium: by mouse and keyboard, wide and narrow, and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from browser import complaints, printed, show, start
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from synthetic import HOSTILE, a_run, a_scenario, a_switch, a_tour, written

from cluster_tests.reporting.concluding import conclude
from cluster_tests.results.values import SentenceRecord
from cluster_tests.results.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

DEADLINE = 30  # seconds for anything that the page does by itself


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    started = start()
    yield started
    started.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last of three full tours: 288 switches, some failed, with a history."""
    root = tmp_path_factory.mktemp("results")
    for day in (1, 2, 3):
        a_tour(root / f"r{day}", seed=day, started=f"2026-11-2{day}T00:00:00+00:00")
        last = conclude(root / f"r{day}")
    return last


def find(chromium: Chrome, selector: str) -> WebElement:
    return chromium.find_element(By.CSS_SELECTOR, selector)


def shown(chromium: Chrome, selector: str) -> list[WebElement]:
    found = chromium.find_elements(By.CSS_SELECTOR, selector)
    return [each for each in found if each.is_displayed()]


def opened(chromium: Chrome, number: int) -> WebElement:
    """Follow a link to a scenario and wait for its timeline."""
    chromium.execute_script(f"location.hash = '#s{number}'")
    selector = f"#s{number}[open] .timeline svg .event"
    drawn = (By.CSS_SELECTOR, selector)
    WebDriverWait(chromium, DEADLINE).until(lambda page: page.find_elements(*drawn))
    return find(chromium, f"#s{number}")


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_without_a_complaint_and_fits(
    chromium: Chrome, report: Path, width: int, *, dark: bool
) -> None:
    page = show(chromium, report, width=width, dark=dark)
    assert "Failed" in page.title
    assert len(page.find_elements(By.CSS_SELECTOR, ".matrix .cell a")) == 288
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    assert complaints(page) == []


def test_colours_follow_the_reader_s_choice(chromium: Chrome, report: Path) -> None:
    grounds = {
        show(chromium, report, dark=dark).execute_script(
            "return getComputedStyle(document.documentElement).backgroundColor"
        )
        for dark in (False, True)
    }
    assert len(grounds) == 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_on_its_ground(chromium: Chrome, report: Path, *, dark: bool) -> None:
    page = show(chromium, report, dark=dark)
    contrasts = page.execute_script(CONTRASTS)
    assert len(contrasts) > 50
    too_weak = {name: value for name, value in contrasts.items() if value < 4.5}  # WCAG 2.2, 1.4.3
    assert too_weak == {}


# Contrast (WCAG 2.2's definition) of each distinct text on what is painted below it.
CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const paint = (colours) => { canvas.clearRect(0, 0, 1, 1); for (const each of colours) { canvas.fillStyle = each; canvas.fillRect(0, 0, 1, 1); } return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const found = {};
for (const element of document.querySelectorAll("h1,h2,h3,p,dd,dt,li span,nav a,nav b,.cell a,summary .what,.badge,.hint,button,code,th,td")) {
  if (!element.textContent.trim() || !element.getClientRects().length || element.closest(".legend")) continue;
  const grounds = [];
  for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
  const below = light(paint(grounds)), text = light(paint([...grounds, getComputedStyle(element).color]));
  const contrast = (Math.max(below, text) + 0.05) / (Math.min(below, text) + 0.05);
  const name = `${element.tagName}.${element.className} in ${element.parentElement.className}`;
  found[name] = Math.min(found[name] ?? 99, contrast);
}
return found;
"""  # noqa: E501 - a script for the page, as compact as its purpose


def test_every_link_leads_to_something(chromium: Chrome, report: Path) -> None:
    page = show(chromium, report)
    links = {each.get_attribute("href") for each in page.find_elements(By.TAG_NAME, "a")}
    parts = [urlsplit(link) for link in links if link]
    files = {unquote(part.path) for part in parts}
    assert len(files) >= 3 + 7  # itself, JUnit, the summary, and the evidence of three nodes
    for name in files:
        assert report.parent.joinpath(name).is_file(), name
    names = [part.fragment for part in parts if part.fragment]
    assert len(names) > 288
    all_there = "return arguments[0].every((id) => document.getElementById(id))"
    assert page.execute_script(all_there, names)


def test_a_cell_of_the_matrix_opens_its_scenario_with_its_timeline(
    chromium: Chrome, report: Path
) -> None:
    page = show(chromium, report)
    cell = find(page, ".cell.fail a")
    number = int(str(cell.get_attribute("href")).rpartition("#s")[2])
    page.execute_script("arguments[0].click()", cell)
    assert opened(page, number).get_attribute("data-verdict") == "fail"
    focused = "return document.activeElement.closest('.scenario').id"
    assert page.execute_script(focused) == f"s{number}"
    assert complaints(page) == []


def test_the_timeline_is_zoomed_moved_and_read_by_keyboard(chromium: Chrome, report: Path) -> None:
    page = show(chromium, report)
    scenario = opened(page, 7)
    svg = scenario.find_element(By.CSS_SELECTOR, ".timeline svg")
    whole = len(scenario.find_elements(By.CSS_SELECTOR, ".event"))
    assert len(scenario.find_elements(By.CSS_SELECTOR, ".event.failed")) > 5
    svg.send_keys("+++++")
    near = len(scenario.find_elements(By.CSS_SELECTOR, ".event"))
    assert 0 < near < whole
    svg.send_keys(Keys.ARROW_RIGHT)
    svg.send_keys(Keys.PAGE_DOWN)
    said = scenario.find_element(By.CSS_SELECTOR, ".said").text
    assert "0.000 s" in said
    assert "deploy sent" in said
    assert len(scenario.find_elements(By.CSS_SELECTOR, ".event.chosen")) == 1
    svg.send_keys("0")
    assert len(scenario.find_elements(By.CSS_SELECTOR, ".event")) == whole
    assert complaints(page) == []


def test_the_timeline_is_zoomed_by_button_dragged_and_listed(
    chromium: Chrome, report: Path
) -> None:
    page = show(chromium, report)
    scenario = opened(page, 8)
    axis = [each.text for each in scenario.find_elements(By.CSS_SELECTOR, "svg text")]
    zoom, *_, as_list = scenario.find_elements(By.CSS_SELECTOR, ".bar button")
    for _ in range(4):
        zoom.click()
    zoomed = [each.text for each in scenario.find_elements(By.CSS_SELECTOR, "svg text")]
    assert zoomed != axis
    svg = scenario.find_element(By.CSS_SELECTOR, ".timeline svg")
    drag = ActionChains(page).move_to_element(svg).click_and_hold().move_by_offset(-200, 0)
    drag.release().perform()
    assert [each.text for each in scenario.find_elements(By.CSS_SELECTOR, "svg text")] != zoomed
    as_list.click()
    assert len(scenario.find_elements(By.CSS_SELECTOR, ".timeline tr")) > 60
    as_list.click()
    assert scenario.find_elements(By.CSS_SELECTOR, ".timeline tr") == []


def test_the_list_is_filtered_by_words_and_verdict(chromium: Chrome, report: Path) -> None:
    page = show(chromium, report)
    failed = len(page.find_elements(By.CSS_SELECTOR, ".scenario.fail"))
    find(page, "input[value=fail]").click()
    assert len(shown(page, ".scenario")) == failed > 0
    find(page, "input[name=verdict][value='']").click()
    find(page, "#find").send_keys("swap core1/core2 => core2/core1")
    assert len(shown(page, ".scenario")) == 2  # that one, and the one back
    assert find(page, "#found").text == "2 of 288"
    # A link into what is filtered away shows it all the same.
    opened(page, 0)
    assert find(page, "#s0").is_displayed()


def test_a_command_is_copied(chromium: Chrome, report: Path) -> None:
    page = show(chromium, report)
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.execute_cdp_cmd("Browser.grantPermissions", allowed)
    button = find(page, "#failures [data-copy]")
    command = find(page, "#failures .copy code").text
    button.click()
    WebDriverWait(page, DEADLINE).until(lambda _: button.text == "Copied")
    copied = page.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == command


def test_tab_goes_first_to_what_failed(chromium: Chrome, report: Path) -> None:
    page = show(chromium, report)
    find(page, "body").send_keys(Keys.TAB)
    focused = page.switch_to.active_element
    assert focused.text == "Skip to what failed"
    assert focused.is_displayed()


def test_it_prints(chromium: Chrome, report: Path) -> None:
    pdf = printed(show(chromium, report))
    assert pdf.startswith(b"%PDF")
    page = show(chromium, report)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown(page, "nav, button, .filter, .timeline") == []
    assert shown(page, "#failures article pre, .matrix")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_hostile_text_does_nothing(chromium: Chrome, tmp_path: Path) -> None:
    scenario = a_scenario(
        Verdict.FAIL,
        case=HOSTILE,
        file=HOSTILE,
        repeat=HOSTILE,
        sentences=(SentenceRecord(HOSTILE, Verdict.FAIL, HOSTILE),),
        switches=(a_switch(traces=(HOSTILE,)),),
    )
    written(tmp_path / "r", a_run(cluster=HOSTILE, version=HOSTILE), [scenario])
    page = show(chromium, conclude(tmp_path / "r"))
    assert page.title != "owned"
    assert page.find_elements(By.TAG_NAME, "img") == []
    assert HOSTILE[:20] in find(page, "#failures pre").text
    assert complaints(page) == []


def test_a_script_that_gets_in_all_the_same_is_not_run(chromium: Chrome, report: Path) -> None:
    page = show(chromium, report)
    page.execute_script(
        "const made = document.createElement('script');"
        "made.textContent = 'document.title = `owned`'; document.body.append(made)"
    )
    assert page.title != "owned"
    assert any("Content Security Policy" in each["message"] for each in complaints(page))


def test_it_can_be_read_without_its_script(chromium: Chrome, report: Path) -> None:
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    page = show(chromium, report)
    try:
        assert shown(page, "#failures pre")
        assert shown(page, "[data-copy], .filter") == []
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
