"""A real Chromium without a window, as Debian packages it."""

from __future__ import annotations

import base64
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from pathlib import Path

REMEDY = "as root: apt-get install chromium chromium-driver (make test does it)"


def start() -> webdriver.Chrome:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.fail(f"the report is tested in Chromium, which is not installed; {REMEDY}")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.add_argument("--headless=new")
    options.add_argument("--disable-dev-shm-usage")  # containers have little of it
    options.add_argument("--hide-scrollbars")
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium has none for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


def show(
    chromium: webdriver.Chrome, page: Path, *, width: int = 1280, dark: bool = False
) -> webdriver.Chrome:
    """Open a page in a window so wide, and forget what was complained of before."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    still = {"name": "prefers-reduced-motion", "value": "reduce"}  # a click must not meet a scroll
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, still]})
    complaints(chromium)
    chromium.get("about:blank")  # the same file with another fragment would not be loaded anew
    chromium.get(page.as_uri())
    return chromium


def complaints(chromium: webdriver.Chrome) -> list[Any]:
    """What the console holds: errors of scripts, of the policy, of what could not be loaded."""
    logged: list[Any] = chromium.get_log("browser")  # type: ignore[no-untyped-call]
    return logged


def printed(chromium: webdriver.Chrome) -> bytes:
    """Print the page to PDF on A4."""
    size = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
    done: dict[str, str] = chromium.execute_cdp_cmd("Page.printToPDF", size)
    return base64.b64decode(done["data"])


def picture(chromium: webdriver.Chrome) -> bytes:
    """Take a picture of what is seen, as PNG."""
    done: dict[str, str] = chromium.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    return base64.b64decode(done["data"])
