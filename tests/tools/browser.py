# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Control a headless Chromium by WebDriver over HTTP, for tests of pages that people read."""

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
# Switch off background activity of the browser, and the sandbox, which does not work as root.
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
TIMEOUT = 60


def missing() -> list[str]:
    """Return the required programs that are not installed."""
    return [program for program in PROGRAMS if not shutil.which(program)]


class Browser:
    """One browser window. It supports the commands of the WebDriver standard, and some that only Chromium has."""

    def __init__(self, url: str) -> None:
        self._url = url

    def command(self, method: str, path: str, **body: Any) -> Any:
        """Send one command and return its value."""
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self._url}{path}", data, method=method)  # noqa: S310 - the driver's address
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:  # noqa: S310 - as above
            return json.load(reply)["value"]

    def open(self, page: Path) -> None:
        """Load a file, and wait until it is complete."""
        self.command("POST", "/url", url=page.as_uri())

    def script(self, expression: str) -> Any:
        """Return the value of a JavaScript expression. The page's own security policy does not apply to it."""
        return self.command("POST", "/execute/sync", script=f"return {expression};", args=[])

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element that a CSS selector matches."""
        return list(self.script(f"Array.from(document.querySelectorAll({json.dumps(selector)}), e => e.textContent)"))

    def click(self, xpath: str) -> None:
        """Click on an element, which must be visible."""
        self.command("POST", f"/element/{self._element(xpath)}/click")

    def type(self, xpath: str, text: str) -> None:
        """Type a text into an element."""
        self.command("POST", f"/element/{self._element(xpath)}/value", text=text)

    def resize(self, width: int, height: int) -> None:
        """Resize the window."""
        self.command("POST", "/window/rect", width=width, height=height)

    def pages(self) -> int:
        """Return the number of printed pages. The paper size is the driver's default unless the page sets one."""
        printed = base64.b64decode(self.command("POST", "/print"))
        return len(re.findall(rb"/Type\s*/Page\b", printed))

    def emulate(self, media: str = "", **features: str) -> None:
        """Emulate another medium (``print``) or media features such as ``prefers_color_scheme="dark"``."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        params = {"media": media, "features": wanted}
        self.command("POST", "/goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params=params)

    def complaints(self) -> list[str]:
        """Return the messages that the browser wrote to its console since the last call."""
        return [entry["message"] for entry in self.command("POST", "/se/log", type="browser")]

    def _element(self, xpath: str) -> str:
        found = self.command("POST", "/element", using="xpath", value=xpath)
        return str(next(iter(found.values())))


@contextlib.contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile in that folder, and end it with the block."""
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
    """Wait until the driver listens, and return the port that it chose."""
    for line in driver.stdout or ():
        found = re.search(r"started successfully on port (\d+)", line)
        if found:
            return int(found.group(1))
    raise AssertionError(f"chromedriver ended with status {driver.wait(timeout=TIMEOUT)} before it listened")
