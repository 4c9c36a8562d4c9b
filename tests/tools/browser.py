# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A browser without a window, for tests of pages that people read: chromium, spoken to by WebDriver over HTTP."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromedriver")
# What the browser would otherwise do on its own account; as root it has no sandbox.
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
TIMEOUT = 60


def missing() -> list[str]:
    """The programs that are needed and not installed."""
    return [program for program in PROGRAMS if not shutil.which(program)]


class Browser:
    """One window. The commands are those of the WebDriver standard, and a few of Chromium's own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def command(self, method: str, path: str, **body: Any) -> Any:
        """Send one command; its value."""
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self._url}{path}", data, method=method)  # noqa: S310 - the driver's address
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:  # noqa: S310 - as above
            return json.load(reply)["value"]

    def open(self, page: Path) -> None:
        """Load a file, to its end."""
        self.command("POST", "/url", url=page.as_uri())

    def script(self, expression: str) -> Any:
        """The value of an expression on the page. It is run from outside, whatever the page itself allows."""
        return self.command("POST", "/execute/sync", script=f"return {expression};", args=[])

    def texts(self, selector: str) -> list[str]:
        """The text of each element, as the page holds it."""
        return list(self.script(f"Array.from(document.querySelectorAll({json.dumps(selector)}), e => e.textContent)"))

    def click(self, xpath: str) -> None:
        """Click on an element, as a hand would: it must be there to be seen."""
        self.command("POST", f"/element/{self._element(xpath)}/click")

    def type(self, xpath: str, text: str) -> None:
        """Press keys while an element has the focus."""
        self.command("POST", f"/element/{self._element(xpath)}/value", text=text)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.command("POST", "/window/rect", width=width, height=height)

    def pages(self) -> int:
        """How many pages the page has when somebody prints it, on paper of the driver's own choice unless it says."""
        printed = base64.b64decode(self.command("POST", "/print"))
        return len(re.findall(rb"/Type\s*/Page\b", printed))

    def emulate(self, media: str = "", **features: str) -> None:
        """Pretend to be another medium (``print``), or one whose reader wants ``prefers_color_scheme="dark"``."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        params = {"media": media, "features": wanted}
        self.command("POST", "/goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params=params)

    def complaints(self) -> list[str]:
        """What the browser has written to its console since the last time."""
        return [entry["message"] for entry in self.command("POST", "/se/log", type="browser")]

    def _element(self, xpath: str) -> str:
        found = self.command("POST", "/element", using="xpath", value=xpath)
        return str(next(iter(found.values())))


@contextlib.contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in that folder, which ends with the block."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=profile
    )
    try:
        base = f"http://127.0.0.1:{_port(driver)}/session"
        options = {"binary": shutil.which("chromium"), "args": [*QUIET, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = Browser(base).command("POST", "", capabilities={"alwaysMatch": wanted})["sessionId"]
        browser = Browser(f"{base}/{session}")
        try:
            yield browser
        finally:
            browser.command("DELETE", "")
    finally:
        driver.terminate()
        driver.communicate(timeout=TIMEOUT)


def _port(driver: subprocess.Popen[str]) -> int:
    """The port that the driver chose, once it listens."""
    for line in driver.stdout or ():
        found = re.search(r"started successfully on port (\d+)", line)
        if found:
            return int(found.group(1))
    raise AssertionError(f"chromedriver ended with status {driver.wait(timeout=TIMEOUT)} before it listened")
