# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the HTML page that audit_sessions writes, in a real browser."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import child
import pytest
from browser import Browser

from emulator.testing import LocalAWS

NODE, LAB = "i-0a1b2c3d4e5f60001", "mi-0a1b2c3d4e5f60002"
JANE = "arn:aws:sts::123456789012:assumed-role/Admin/jane"
MARY = "arn:aws:iam::123456789012:user/<b>mary</b>"
REASON = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> & {{ 7 * 7 }}"
ENTER = "\ue007"

WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {
            "sessions": [
                {"session_id": "jane-1", "target": NODE, "owner": JANE, "started": "3d", "reason": REASON},
                {"session_id": "jane-2", "target": NODE, "owner": JANE, "started": "30m"},
                {"session_id": "mary-3", "target": LAB, "owner": MARY, "started": "2d", "status": "Disconnected"},
                {
                    "session_id": '"><i>x',
                    "target": LAB,
                    "owner": MARY,
                    "started": "9d",
                    "ended": "4d",
                    "status": "Failed",
                },
                {
                    "session_id": "over-6",
                    "target": NODE,
                    "owner": MARY,
                    "started": "1h",
                    "ended": "50m",
                    "status": "Terminated",
                },
            ]
        },
        "eu-west-1": {"sessions": [{"session_id": "li-5", "target": NODE, "owner": "li", "started": "10h"}]},
        "eu-west-3": {},
        "eu-north-1": {
            "sessions": [
                {
                    "session_id": f"jane-{number:017x}",
                    "target": NODE,
                    "owner": JANE,
                    "started": f"{number}h",
                    "reason": f"INC-{number}: a restart of the service, as was agreed on in the morning",
                    **({"ended": f"{number - 1}h", "status": "Terminated"} if number % 10 else {}),
                }
                for number in range(1, 301)
            ]
        },
    }
}
OPEN_FIRST = ["jane-2", "li-5", "mary-3", "jane-1", "over-6", '"><i>x']


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    missing = browser.missing()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{' and '.join(missing)} is not installed, and without a browser nobody has seen the page.")
    if missing:
        pytest.skip(f"{' and '.join(missing)} is not installed: on Debian, apt-get install chromium chromium-driver.")
    with browser.started(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a report of two regions and a report of a region without sessions."""
    folder = tmp_path_factory.mktemp("reports")
    with LocalAWS(WORLD) as aws:
        for name, regions in {"full": "us-east-1,eu-west-1", "none": "eu-west-3", "many": "eu-north-1"}.items():
            variables = {"dir": folder, "name": name, "formats": "html"}
            options = [word for key, value in variables.items() for word in ("-e", f"sessionops_report_{key}={value}")]
            command = [
                "ansible-playbook",
                "sessionops.aws.audit_sessions",
                *options,
                "-e",
                f"sessionops_regions={regions}",
            ]
            child.run(command, folder, aws.env)
    return folder


@pytest.fixture
def page(window: Browser, reports: Path) -> Browser:
    window.emulate()
    window.resize(1400, 1000)
    window.open(reports / "full.html")
    return window


def shown(page: Browser) -> list[str]:
    """Return the IDs of the sessions in the visible rows, in order."""
    return page.texts("table.sessions tbody tr:not([hidden]) td:last-child > span")


def heading(label: str) -> str:
    return f"//table[@class='sessions']//th/button[.='{label}']"


def test_the_rows_are_those_of_aws(page: Browser) -> None:
    assert shown(page) == OPEN_FIRST
    assert page.texts("dl.facts dt") == ["Sessions", "Open", "Owners", "Longest open"]
    assert [text.split() for text in page.texts("dl.facts dd")][:3] == [["6"], ["4"], ["3"]]
    assert page.texts("dl.facts dd")[3].split() == ["3", "d", "0", "h", "Admin/jane", "on", f"{NODE},", "jane-1"]
    li = "arn:aws:iam::123456789012:user/li"
    assert page.texts(".owners tbody td") == [
        *("<b>mary</b>" + MARY, "3", "1", "li" + li, "1", "1", "Admin/jane" + JANE, "2", "2")
    ]
    assert page.texts("table.sessions td[data-label=Owner] > span")[0] == "Admin/jane"
    assert page.texts("table.sessions tbody tr:nth-child(2) td > span") == [
        *("Connected", "li", NODE, "eu-west-1", "2026-11-23 02:00:00", "", "10 h 0 min", "", "li-5"),
    ]
    header = " ".join(page.texts("header")[0].split())
    for part in ("Account 123456789012", "us-east-1, eu-west-1", "As of 2026-11-23 12:00:00 UTC", "that have ended."):
        assert part in header


def test_what_looks_like_markup_is_text(page: Browser) -> None:
    assert page.script("document.title") == "Sessions of account 123456789012"
    assert page.script("document.querySelectorAll('main img, main b, main i, main script').length") == 0
    assert REASON in page.texts("table.sessions td.long > span")
    assert MARY in page.texts("table.sessions td small")


def test_nothing_else_is_loaded_and_nothing_is_refused(page: Browser) -> None:
    assert page.script("performance.getEntriesByType('resource').length") == 0
    assert page.complaints() == []


def test_the_page_runs_its_own_script_and_no_other(page: Browser) -> None:
    page.script(
        "(() => { const s = document.createElement('script'); s.textContent = \"document.title = 'owned'\";"
        " document.body.append(s); })()"
    )
    assert page.script("document.title") == "Sessions of account 123456789012"
    assert any("Content Security Policy" in text for text in page.complaints())


def test_the_policy_names_the_style_and_the_script(reports: Path) -> None:
    text = (reports / "full.html").read_text()
    for element, name in (("style", "style-src"), ("script", "script-src")):
        content = re.search(f"<{element}>(.*?)</{element}>", text, re.S)
        assert content
        digest = base64.b64encode(hashlib.sha256(content.group(1).encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in text, f"sessions.html.j2 needs {name} 'sha256-{digest}'"


def test_a_click_on_a_heading_sorts(page: Browser) -> None:
    assert page.script("document.querySelectorAll('th[aria-sort]').length") == 0
    page.click(heading("Started"))
    assert page.script("document.querySelector('th[aria-sort=ascending]').textContent") == "Started"
    assert shown(page) == ['"><i>x', "jane-1", "mary-3", "li-5", "over-6", "jane-2"]
    page.click(heading("Duration"))
    by_length = ["over-6", "jane-2", "li-5", "mary-3", "jane-1", '"><i>x']
    assert shown(page) == by_length  # sorted by the number, not by the text "10 h" or "2 d"
    assert page.script("document.querySelector('th[aria-sort=ascending]').textContent") == "Duration"
    page.click(heading("Duration"))
    assert shown(page) == by_length[::-1]
    assert page.script("document.querySelectorAll('th[aria-sort]').length") == 1
    page.click(heading("Session"))
    assert shown(page) == sorted(OPEN_FIRST)
    page.click(heading("Region"))
    assert shown(page)[0] == "li-5"


def test_the_keyboard_does_what_the_mouse_does(page: Browser) -> None:
    page.type(heading("Session"), ENTER)
    assert shown(page) == sorted(OPEN_FIRST)
    page.type(heading("Session"), " ")
    assert shown(page) == sorted(OPEN_FIRST, reverse=True)


def test_the_filter_leaves_the_rows_with_every_word(page: Browser) -> None:
    page.type("//input", "Jane connected")
    assert shown(page) == ["jane-2", "jane-1"]
    assert page.texts("#count") == ["2 of 6 shown"]
    assert page.script("document.getElementById('nothing').hidden") is True
    page.type("//input", " nowhere")
    assert (shown(page), page.script("document.getElementById('nothing').hidden")) == ([], False)


def test_a_report_without_sessions_says_so(page: Browser, reports: Path) -> None:
    page.open(reports / "none.html")
    assert page.texts(".none") == ["No sessions."]
    assert page.script("document.querySelectorAll('table, input').length") == 0
    assert [" ".join(text.split()) for text in page.texts("dl.facts dd")] == ["0", "0", "0", "none"]
    assert page.complaints() == []


@pytest.mark.parametrize("width", [500, 760, 1000, 1400])
def test_the_page_is_as_wide_as_the_window(page: Browser, width: int) -> None:
    page.resize(width, 900)
    assert page.script("document.documentElement.scrollWidth <= window.innerWidth")
    if width in (500, 760, 1400):  # at the other widths the table scrolls on its own
        assert page.script("(t => t.scrollWidth <= t.clientWidth)(document.querySelectorAll('.table')[1])")


def test_dark_and_print(page: Browser) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.script(colour)
    page.emulate(prefers_color_scheme="dark")
    assert page.script(colour) != light
    page.emulate("print", prefers_color_scheme="dark")
    page.resize(1040, 700)  # a landscape page of A4 without its margins
    assert page.script(colour) == "rgb(255, 255, 255)"
    assert page.script("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.script("getComputedStyle(document.querySelector('.tools')).display") == "none"
    assert page.script("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"


def test_on_paper_it_is_a_table_with_the_open_sessions_first(page: Browser, reports: Path) -> None:
    page.open(reports / "many.html")
    assert page.pages() <= 18, "300 sessions"
    order = page.texts("table.sessions tbody td:first-child > span")
    assert order == ["Connected"] * 30 + ["Terminated"] * 270
    # The print layout does not depend on the width: this width shows cards on the screen.
    page.resize(600, 900)
    display = "getComputedStyle(document.querySelector('.sessions tbody tr')).display"
    assert page.script(display) == "block"
    page.emulate("print")
    assert page.script(display) == "table-row"
    for part in ("tr", "thead"):
        assert page.script(f"getComputedStyle(document.querySelector('.sessions {part}')).breakInside") == "avoid"
    # The browser repeats the headings on each page only if their buttons have no boxes.
    assert page.script("getComputedStyle(document.querySelector('th button')).display") == "contents"
