# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the collection's playbooks, run by their names, with every variable and with invalid values of each."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import child
import jinja2
import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.services.ssm.sessions.store import Sessions
from emulator.testing import LocalAWS

ROOT = Path(__file__).parents[2]
PLAYBOOKS = {path.stem: path.read_text() for path in sorted((ROOT / "playbooks").glob("*.yml"))}
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "session_playbooks.rst").read_text()
NAMES = r"(?<!_)\bsessionops_[a-z_]+"

# amazon.aws causes deprecation warnings on newer versions of ansible-core.
QUIET = {"ANSIBLE_DEPRECATION_WARNINGS": "false"}

NODE, LAB = "i-0a1b2c3d4e5f60001", "mi-0a1b2c3d4e5f60002"
JANE = "arn:aws:sts::123456789012:assumed-role/Admin/jane"
DOCUMENT = "Team-Shell"
FORMS = "expected i-..., mi-..., ecs:CLUSTER_TASK_RUNTIME or sagemaker-cluster:CLUSTER_GROUP-INSTANCE."


def run(aws: LocalAWS, folder: Path, playbook: str, *flags: str, **variables: Any) -> child.Done:
    """Run a playbook by its name in ``folder``. ``variables`` are given without the prefix ``sessionops_``."""
    return child.attempt(_command(playbook, variables, *flags), folder, {**aws.env, **QUIET})


def _command(playbook: str, variables: dict[str, Any], *flags: str) -> list[str]:
    given = {f"sessionops_{name}": value for name, value in variables.items()}
    words = [word for name, value in given.items() for word in ("-e", _setting(name, value))]
    return ["ansible-playbook", f"sessionops.aws.{playbook}", *words, *flags]


def _setting(name: str, value: Any) -> str:
    is_word = value is not None and not isinstance(value, list) and not re.search(r"\s", str(value))
    return f"{name}={value}" if is_word else json.dumps({name: value})


def succeeds(done: child.Done) -> str:
    """Check that a playbook succeeded, and return its output."""
    assert done.status == 0, f"{done.printed[-4000:]}\n{done.complained[-2000:]}"
    assert "[WARNING]" not in done.complained, done.complained
    return done.printed


def fails(done: child.Done) -> str:
    """Check that a playbook failed with a message and without a traceback. Return its output."""
    assert done.status == 2, done.printed
    assert "Traceback" not in done.printed + done.complained
    assert "is undefined" not in done.printed
    return done.printed


# --- documentation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_variables_of_a_playbook_are_those_that_its_header_and_the_guide_have(name: str) -> None:
    header, body = PLAYBOOKS[name].split("\n- name:", 1)
    listed = re.findall(rf"^# ({NAMES})  ", header, re.M)
    tasks = (ROOT / "playbooks" / "tasks" / "check_regions.yml").read_text() if "check_regions" in body else ""
    assert sorted(listed) == sorted(set(re.findall(NAMES, body + tasks)))
    guide = re.search(rf"^\.\. _\S+{name}:\n(.*?)(?=^\.\. _|\Z)", GUIDE, re.M | re.S)
    assert guide
    assert re.findall(rf"^  \* - ``({NAMES})``", guide.group(1), re.M) == listed


def test_every_variable_is_known_to_the_check_of_names() -> None:
    checked = yaml.safe_load((ROOT / "playbooks" / "tasks" / "check_variables.yml").read_text())[0]["vars"]
    selectors, others = checked["_sessionops_selectors"], checked["_sessionops_others"]
    names = {name: re.findall(rf"^# ({NAMES})  ", text, re.M) for name, text in PLAYBOOKS.items()}
    assert sorted(selectors + others) == sorted({name for listed in names.values() for name in listed})
    for name, text in PLAYBOOKS.items():
        given = yaml.safe_load(text)[0]["tasks"][0]["vars"]["_sessionops_selecting"]
        assert given == sorted(set(names[name]) & set(selectors)), name


# --- wait_until_ready -----------------------------------------------------------------------------------------------

NODES = {
    "us-east-1": {
        "nodes": [
            {"id": NODE, "status": ["notconnected", "connected", "notconnected", "connected"]},
            {"id": LAB, "status": "connected"},
            {"id": "i-0a1b2c3d4e5f60003", "status": "notconnected", "ping_status": "ConnectionLost"},
            {"id": "i-0a1b2c3d4e5f60004", "status": "error: AccessDeniedException"},
        ]
    },
    "eu-west-1": {"nodes": [{"id": f"i-0a1b2c3d4e5f6000{last}", "status": "connected"} for last in (5, 6, 7, 8, 9)]},
}
INVENTORY = """
fleet:
  hosts:
    web-1: {instance_id: i-0a1b2c3d4e5f60001, region: us-east-1}
    mi-0a1b2c3d4e5f60002: {}
    win: {ansible_aws_ssm_instance_id: i-0a1b2c3d4e5f60005, instance_id: other, region: eu-west-1}
elsewhere:
  hosts:
    named: {ansible_aws_ssm_instance_id: i-0a1b2c3d4e5f60005, ansible_aws_ssm_region: eu-west-1, region: us-east-1}
    nothing: {ansible_aws_ssm_instance_id: i-0a1b2c3d4e5f60006, ansible_aws_ssm_region: null, region: null}
    blank: {ansible_aws_ssm_instance_id: " ", instance_id: " i-0a1b2c3d4e5f60007 ", region: " "}
    blanks: {instance_id: i-0a1b2c3d4e5f60009, region: " eu-west-1\n"}
    unset: {instance_id: i-0a1b2c3d4e5f60008}
bare:
  hosts:
    web-2: {instance_id: null, region: us-east-1}
broken:
  hosts:
    i-0a1b2c3d4e5f60003: {}
"""


@pytest.mark.parametrize("targets", [f"{NODE},{LAB}", [NODE, LAB], f"{NODE}\n {LAB}"], ids=["text", "list", "lines"])
def test_waiting_for_nodes_until_they_are_ready(targets: Any, tmp_path: Path) -> None:
    with LocalAWS({"regions": NODES}) as aws:
        succeeds(run(aws, tmp_path, "wait_until_ready", targets=targets, wait_delay="0.1", wait_timeout=30))
        assert [call.params["Target"] for call in aws.calls("GetConnectionStatus")].count(NODE) == 2
        assert aws.writes() == []


def test_waiting_for_several_answers_in_a_row_in_another_region(tmp_path: Path) -> None:
    regions = {"us-east-1": {}, "eu-west-1": NODES["us-east-1"]}
    with LocalAWS({"regions": regions}) as aws:
        variables = {"targets": NODE, "region": "eu-west-1", "consecutive": 3, "wait_delay": "0.1"}
        succeeds(run(aws, tmp_path, "wait_until_ready", **variables))
        # The node is ready, then not ready, then ready until the end.
        assert [call.region for call in aws.calls("GetConnectionStatus")] == ["eu-west-1"] * 6


def test_waiting_for_the_hosts_of_a_group_each_in_its_region(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    with LocalAWS({"regions": NODES}) as aws:
        flags = ("-i", "hosts.yml", "--check")
        succeeds(run(aws, tmp_path, "wait_until_ready", *flags, group="fleet", region="us-east-1", wait_delay="0.1"))
        asked = {(call.region, call.params["Target"]) for call in aws.calls("GetConnectionStatus")}
        assert asked == {("us-east-1", NODE), ("us-east-1", LAB), ("eu-west-1", "i-0a1b2c3d4e5f60005")}


def test_the_region_of_a_host_is_the_first_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    with LocalAWS({"regions": NODES}) as aws:
        succeeds(run(aws, tmp_path, "wait_until_ready", "-i", "hosts.yml", group="elsewhere", region="eu-west-1"))
        asked = [(call.region, call.params["Target"]) for call in aws.calls("GetConnectionStatus")]
        assert sorted(asked) == [("eu-west-1", f"i-0a1b2c3d4e5f6000{last}") for last in (5, 6, 7, 8, 9)]


def test_regions_that_differ_in_case_are_not_one(tmp_path: Path) -> None:
    hosts = {"a": {"instance_id": NODE, "region": "us-east-1"}, "b": {"instance_id": LAB, "region": "US-EAST-1"}}
    (tmp_path / "hosts.yml").write_text(json.dumps({"fleet": {"hosts": hosts}}))
    with LocalAWS({"regions": NODES}) as aws:
        wait = {"group": "fleet", "wait_delay": "0.1", "wait_timeout": 1}
        assert "US-EAST-1" in fails(run(aws, tmp_path, "wait_until_ready", "-i", "hosts.yml", **wait))


def test_a_host_without_an_id_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    with LocalAWS({"regions": NODES}) as aws:
        printed = fails(run(aws, tmp_path, "wait_until_ready", "-i", "hosts.yml", group="bare"))
        assert f"'web-2' is not a target ID; {FORMS}" in printed
        assert aws.calls() == []


def test_who_is_not_ready_is_named_with_the_reason(tmp_path: Path) -> None:
    missing = "mi-0a1b2c3d4e5f60009"
    cluster = "sagemaker-cluster:cluster1_workers-i-0a1b2c3d4e5f60007"
    late = ["i-0a1b2c3d4e5f60003", "i-0a1b2c3d4e5f60004", "ecs:cluster_task_run", missing, cluster]
    with LocalAWS({"regions": NODES}) as aws:
        printed = fails(run(aws, tmp_path, "wait_until_ready", targets=[LAB, *late], wait_timeout=1, wait_delay="0.2"))
    last_ping = "Its last ping was at 2026-11-23T1"
    assert f"i-0a1b2c3d4e5f60003 is not connected. {last_ping}" in printed
    assert "and its ping status is ConnectionLost." in printed
    assert "ecs:cluster_task_run is not connected. Systems Manager lists no ECS targets." in printed
    assert f"{missing} is not connected. Systems Manager does not list it: check the ID, the region, the acc" in printed
    assert f"{cluster} is not connected. Systems Manager lists no nodes of SageMaker HyperPod." in printed
    assert f"Systems Manager does not list {missing} in us-east-1: check the ID" in printed
    assert (
        "The connection status of i-0a1b2c3d4e5f60004 is unknown. "
        "Could not get the connection status of i-0a1b2c3d4e5f60004: Access"
    ) in printed
    assert (
        "5 of 6 targets did not have the status connected within 1 second: "
        "i-0a1b2c3d4e5f60003 (ping status ConnectionLost, last ping "
        "2026-11-23T11:59:00Z, instance running), i-0a1b2c3d4e5f60004, ecs:cluster_task_run, "
    ) in printed


# --- end_stale_sessions ---------------------------------------------------------------------------------------------

MATCH = {"target": NODE, "owner": JANE, "status": "Disconnected", "document_name": DOCUMENT, "started": "3d"}
# Each entry differs from the first one in exactly one property.
STALE = [
    {**MATCH, "session_id": "match"},
    {**MATCH, "session_id": "other-target", "target": LAB},
    {**MATCH, "session_id": "other-owner", "owner": "mary"},
    {**MATCH, "session_id": "other-status", "status": "Connected"},
    {**MATCH, "session_id": "other-document", "document_name": "Other"},
    {**MATCH, "session_id": "other-age", "started": "1h"},
    {**MATCH, "session_id": "mary-kept"},
    {**MATCH, "session_id": "mary-kept-too"},
]
ELSEWHERE = [{**MATCH, "session_id": "elsewhere"}]
SELECTION = {
    "older_than": "1d12h",
    "target": NODE,
    "owner": JANE,
    "status": "Disconnected",
    "document_name": DOCUMENT,
    "exclude_session_ids": "mary-kept, mary-kept-too",
    "regions": "us-east-1\neu-west-1",
}


def stale() -> LocalAWS:
    return LocalAWS({"regions": {"us-east-1": {"sessions": STALE}, "eu-west-1": {"sessions": ELSEWHERE}}})


def left(aws: LocalAWS) -> set[str]:
    """Return the IDs of the sessions that are still open, in both regions."""
    found = [one for region in aws.world.regions for one in aws.world.state(region, Sessions).by_id.values()]
    return {session.session_id for session in found if not session.has_ended and session.status != "Terminating"}


ALL = {str(one["session_id"]) for one in (*STALE, *ELSEWHERE)}


@pytest.mark.parametrize(
    "flags", [{}, {"dry_run": True}, {"dry_run": "yes"}, {"dry_run": "false", "check": True}], ids=str
)
def test_stale_sessions_are_shown_and_not_ended_unless_that_is_asked_for(flags: dict[str, Any], tmp_path: Path) -> None:
    check = ["--check"] if flags.pop("check", False) else []
    with stale() as aws:
        printed = succeeds(run(aws, tmp_path, "end_stale_sessions", *check, **SELECTION, **flags))
        assert aws.writes() == []
    shown = set(re.findall(r'"msg": "(\S+) of ', printed))
    assert shown == {"match", "elsewhere"}
    assert f"match of {JANE} on {NODE} in us-east-1, open since 2026-11-20T12:00:00Z" in printed
    assert ("Dry run: 2 sessions would be ended. Set sessionops_dry_run to false to end them." in printed) is not bool(
        check
    )


@pytest.mark.parametrize("dry_run", [True, False])
def test_where_no_session_is_old_enough_it_says_so(dry_run: bool, tmp_path: Path) -> None:
    with stale() as aws:
        options = {"older_than": "300d", "dry_run": dry_run, "regions": ["us-east-1", "eu-west-1"]}
        printed = succeeds(run(aws, tmp_path, "end_stale_sessions", **options))
        assert aws.writes() == []
    assert "No session in us-east-1, eu-west-1 matches the filters and has been open for more than 300d." in printed
    assert "would be ended" not in printed


def test_a_name_that_two_regions_have_for_two_owners_ends_no_session(tmp_path: Path) -> None:
    elsewhere = [{**MATCH, "session_id": "elsewhere", "owner": "jane"}]
    with LocalAWS({"regions": {"us-east-1": {"sessions": STALE}, "eu-west-1": {"sessions": elsewhere}}}) as aws:
        printed = fails(run(aws, tmp_path, "end_stale_sessions", **{**SELECTION, "owner": "jane"}, dry_run=False))
        assert "sessionops_owner: 'jane' matches 2 owners (aws:iam:" in printed
        assert "jane). No session was ended. Set sessionops_owner to the ARN of one of them." in printed
        assert aws.writes() == []


def test_stale_sessions_are_ended_and_no_others(tmp_path: Path) -> None:
    with stale() as aws:
        options = {**SELECTION, "dry_run": False, "wait_timeout": 20, "max_sessions": 2}
        assert "changed=1" in succeeds(run(aws, tmp_path, "end_stale_sessions", **options))
        assert left(aws) == ALL - {"match", "elsewhere"}
        position = aws.position
        assert "changed=0" in succeeds(run(aws, tmp_path, "end_stale_sessions", **options))
        assert aws.writes(since=position) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("audit_sessions", {"sessionops_older_than": "1d12h"}),
        ("audit_sessions", {"sessionops_older_than": "1d12h", "sessionops_regions": ["us-east-1", "eu-west-1"]}),
        ("end_stale_sessions", {"sessionops_older_than": "1d12h"}),
    ],
    ids=str,
)
def test_only_what_the_playbook_itself_has_found_is_ended(first: str, second: dict[str, Any], tmp_path: Path) -> None:
    sessions = {"us-east-1": {"sessions": STALE}, "eu-west-1": {"sessions": [{**MATCH, "session_id": "elsewhere"}]}}
    earlier = {"sessionops_report_dir": "."} if first == "audit_sessions" else {"sessionops_older_than": "1m"}
    plays = [
        {"import_playbook": f"sessionops.aws.{first}", "vars": earlier},
        {"import_playbook": "sessionops.aws.end_stale_sessions", "vars": {**second, "sessionops_dry_run": False}},
    ]
    (tmp_path / "both.yml").write_text(json.dumps(plays))
    with LocalAWS({"regions": sessions}) as aws:
        succeeds(child.attempt(["ansible-playbook", "both.yml"], tmp_path, {**aws.env, **QUIET}))
        everywhere = "sessionops_regions" in second
        assert left(aws) == {"other-age"} | (set() if everywhere else {"elsewhere"})


def test_more_sessions_than_allowed_in_all_regions_together_are_shown_and_not_ended(tmp_path: Path) -> None:
    with stale() as aws:
        for limit, count in ((1, 2), (0, 2)):
            printed = fails(run(aws, tmp_path, "end_stale_sessions", **SELECTION, dry_run=False, max_sessions=limit))
            assert f"{count} sessions have been open for more than 1d12h" in printed
            assert (
                f"sessionops_max_sessions allows {limit}: no session was ended. Narrow the selection or raise"
                in printed
            )
            assert "elsewhere of " in printed
        assert aws.writes() == []


def test_a_session_that_cannot_be_ended_is_said_after_the_rest(tmp_path: Path) -> None:
    sessions = [{**MATCH, "session_id": "mine"}, {**MATCH, "session_id": "other", "terminate": "AccessDeniedException"}]
    with LocalAWS({"regions": {"us-east-1": {"sessions": sessions}, "eu-west-1": {"sessions": ELSEWHERE}}}) as aws:
        options = {"older_than": "1d", "dry_run": "no", "regions": ["us-east-1", "eu-west-1"]}
        printed = fails(run(aws, tmp_path, "end_stale_sessions", **options))
        assert "1 of 2 sessions could not be ended. Could not end session other: AccessDeniedException" in printed
        assert left(aws) == {"other"}


# --- audit_sessions -------------------------------------------------------------------------------------------------

AUDITED = {**MATCH, "started": "2d", "access_type": "JustInTime", "reason": '=cmd "x", y'}
AUDIT = [
    {**AUDITED, "session_id": "match"},
    {**AUDITED, "session_id": "other-target", "target": LAB},
    {**AUDITED, "session_id": "other-owner", "owner": "mary"},
    {**AUDITED, "session_id": "other-status", "status": "Connected"},
    {**AUDITED, "session_id": "other-document", "document_name": "Other"},
    {**AUDITED, "session_id": "other-access", "access_type": "Standard"},
    {**AUDITED, "session_id": "too-early", "started": "5d"},
    {**AUDITED, "session_id": "too-late", "started": "26h"},
    {**AUDITED, "session_id": "ended", "started": "9d", "ended": "8d", "status": "Terminated"},
]
FILTERS = {
    "target": NODE,
    "owner": JANE,
    "status": "Disconnected",
    "access_type": "JustInTime",
    "document_name": f"arn:aws:ssm:us-east-1:123456789012:document/{DOCUMENT}",
    "invoked_after": "4d ago",
    "invoked_before": "2026-11-22T08:00:00Z",
}


def audited() -> LocalAWS:
    return LocalAWS({"regions": {"us-east-1": {"sessions": AUDIT}, "eu-west-1": {"sessions": ELSEWHERE}}})


def read(folder: Path, name: str = "sessions") -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return report


def reported(folder: Path) -> list[str]:
    return [session["session_id"] for session in read(folder)["sessions"]]


def test_every_filter_of_a_report(tmp_path: Path) -> None:
    with audited() as aws:
        succeeds(run(aws, tmp_path, "audit_sessions", report_dir=tmp_path, report_formats="json", **FILTERS))
    assert reported(tmp_path) == ["match"]
    assert read(tmp_path)["filters"] == FILTERS
    # Each filter excludes at least one session that the other filters allow.
    for name in FILTERS:
        rest = {key: value for key, value in FILTERS.items() if key != name}
        assert len([one for one in AUDIT if _passes(one, rest)]) > 1, name


def test_the_age_of_a_report(tmp_path: Path) -> None:
    with audited() as aws:
        options = {"report_dir": tmp_path, "report_formats": "json", "older_than": "4d", "state": "active"}
        succeeds(run(aws, tmp_path, "audit_sessions", **options))
    assert reported(tmp_path) == ["too-early"]


def _passes(session: dict[str, Any], filters: dict[str, str]) -> bool:
    """Return whether the session matches ``filters``, a subset of ``FILTERS``, all of which match the first session."""
    differs = {
        "target": session["target"] != NODE,
        "owner": session["owner"] != JANE,
        "status": session["status"] != "Disconnected",
        "access_type": session["access_type"] != "JustInTime",
        "document_name": session["document_name"] != DOCUMENT,
        "invoked_after": session["started"] in ("5d", "9d"),
        "invoked_before": session["started"] == "26h",
    }
    return not any(differs[name] for name in filters)


def test_reports_of_several_regions_in_a_new_folder(tmp_path: Path) -> None:
    with audited() as aws:
        options = {"report_dir": "new/reports", "report_name": "march", "regions": "us-east-1,eu-west-1"}
        printed = succeeds(run(aws, tmp_path, "audit_sessions", **options))
        assert aws.writes() == []
    folder = tmp_path / "new" / "reports"
    assert f"10 sessions, 9 open: {folder}/march.json, .csv, .html" in printed
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        f"march.{ending}": 0o600 for ending in ("json", "csv", "html")
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    report = read(folder, "march")
    assert (report["account_id"], report["listed_at"], report["open"]) == ("123456789012", "2026-11-23T12:00:00Z", 9)
    assert {session["region"] for session in report["sessions"]} == {"us-east-1", "eu-west-1"}
    starts = [session["start_date"] for session in report["sessions"]]
    assert starts == sorted(starts, reverse=True)


def test_the_csv_is_one_and_no_spreadsheet_runs_it(tmp_path: Path) -> None:
    guarded = {
        **{text: f"'{text}" for text in ("=1+1", "+1", "-1", "@x", "\tx", " =1", "\uff1d1")},
        "x;=HYPERLINK(1);y": "x;'=HYPERLINK(1);y",
        "x\t@y": "x\t'@y",
        'a,"=1"': 'a,\'"=1"',
    }
    reasons = [*guarded, 'say "a", b', "{{ 7 * 7 }}", "plain", "a=1", "a; b-c"]
    sessions = [
        {"session_id": f"s-{number}", "target": NODE, "owner": JANE, "started": f"{number}h", "reason": reason}
        for number, reason in enumerate(reasons, 1)
    ]
    with LocalAWS({"regions": {"us-east-1": {"sessions": sessions}}}) as aws:
        succeeds(run(aws, tmp_path, "audit_sessions", report_dir=".", report_formats=["csv"], state="active"))
    raw = (tmp_path / "sessions.csv").read_bytes()
    assert raw.endswith(b"\r\n") and raw.count(b"\n") == raw.count(b"\r\n") == len(reasons) + 1
    rows = list(csv.DictReader(raw.decode().splitlines(), strict=True))
    assert [row["reason"] for row in rows] == [guarded.get(reason, reason) for reason in reasons]
    assert rows[1]["seconds_open"] == "7200"
    assert rows[0]["start_date"] == "2026-11-23T11:00:00Z"


COLUMNS = ["region", "session_id", "status", "owner", "target", "start_date", "end_date"]
COLUMNS += ["reason", "document_name", "access_type"]
UNSEEN = "".join(map(chr, range(33))) + '"\x7f\xa0\u200b\ufeff'
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
NASTY = st.text(st.sampled_from(f"{FORMULA},;|\t\r\n\"' x\u2028\ufeff"), max_size=12)


@functools.cache
def csv_template() -> jinja2.Template:
    """Return the template of the CSV file, with the Ansible filters that it needs."""
    loader = jinja2.FileSystemLoader(ROOT / "playbooks" / "templates")
    known = jinja2.Environment(loader=loader, trim_blocks=True, newline_sequence="\r\n", autoescape=False)  # noqa: S701 - no HTML
    filters = FilterModule().filters()
    known.filters.update({name: filters[name] for name in ("regex_replace", "to_datetime")})
    return known.get_template("sessions.csv.j2")


def cells_of(text: str) -> Iterator[str]:
    """Yield every cell that a spreadsheet may show: split at any separator or all of them, with and without quoting."""
    together = text.translate(str.maketrans(";|\t", ",,,"))
    for separator, read in ((",", text), (";", text), ("\t", text), ("|", text), (",", together)):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(read, newline=""), delimiter=separator, quoting=quoting):
                yield from row


@settings(max_examples=300)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys([*COLUMNS, "max_session_duration"], NASTY)), max_size=3))
def test_no_spreadsheet_of_any_locale_sees_a_formula(sessions: list[dict[str, str]]) -> None:
    shown = [{**session, "start_date": ""} for session in sessions]
    text = csv_template().render(_sessionops_report={"listed_at": "2026-11-23T12:00:00Z", "sessions": shown})
    for cell in cells_of(text):
        assert not cell.startswith(("\t", "\r", "\n")), (cell, text)
        assert not cell.lstrip(UNSEEN).startswith(tuple(FORMULA)), (cell, text)
    # Read as plain CSV, there is a row for each session, and only the prefixes of the cells differ from the input.
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    kept = [{name: row[name].replace("'", "") for name in COLUMNS} for row in rows]
    assert kept == [{name: session[name].replace("'", "") for name in COLUMNS} for session in shown]


def test_a_start_that_is_not_known_or_still_to_come(tmp_path: Path) -> None:
    known = {"session_id": "known", "target": NODE, "owner": JANE, "started": "2h"}
    unknown = {"op": "DescribeSessions", "do": {"set": {"Sessions.0.StartDate": None}}}
    later = {"session_id": "later", "target": NODE, "owner": JANE, "started": "2026-11-23T12:00:09Z"}
    for more, seconds, shown in (({}, "0", "0 min"), ({"faults": [unknown]}, "", "")):
        with LocalAWS({"regions": {"us-east-1": {"sessions": [known, later]}}, **more}) as aws:
            succeeds(run(aws, tmp_path, "audit_sessions", report_dir=".", state="active"))
        rows = {row["session_id"]: row for row in csv.DictReader((tmp_path / "sessions.csv").read_text().splitlines())}
        assert {name: row["seconds_open"] for name, row in rows.items()} == {"known": "7200", "later": seconds}
        page = (tmp_path / "sessions.html").read_text()
        assert f'data-label="Duration" data-sort="{seconds}"><span>{shown}</span>' in page
        assert "<dd>2 h 0 min" in page


@pytest.mark.parametrize(
    ("state", "wanted"), [("active", {"mary-kept"}), ("history", {"ended"}), ("all", {"mary-kept", "ended"})]
)
def test_the_states_of_a_report(state: str, wanted: set[str], tmp_path: Path) -> None:
    sessions = [{**MATCH, "session_id": "mary-kept"}, AUDIT[-1]]
    with LocalAWS({"regions": {"us-east-1": {"sessions": sessions}}}) as aws:
        succeeds(run(aws, tmp_path, "audit_sessions", report_dir=".", report_formats="json, html", state=state))
    assert set(reported(tmp_path)) == wanted
    of_the_owner = f'<td class="number">{len(wanted)}</td><td class="number">{len(wanted & {"mary-kept"})}</td></tr>'
    assert of_the_owner in (tmp_path / "sessions.html").read_text()


def test_blanks_around_the_folder_and_the_name_are_no_part_of_them(tmp_path: Path) -> None:
    with audited() as aws:
        options = {"report_dir": f" {tmp_path}/reports ", "report_name": " today\n", "report_formats": "json, json"}
        succeeds(run(aws, tmp_path, "audit_sessions", **options))
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["reports", "reports/today.json"]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    with audited() as aws:
        for folder in ("missing", "."):
            succeeds(run(aws, tmp_path, "audit_sessions", "--check", report_dir=folder))
    assert list(tmp_path.iterdir()) == []


def test_a_region_that_cannot_be_read_is_no_shorter_report(tmp_path: Path) -> None:
    with audited() as aws:
        aws.add_fault(op="DescribeSessions", after=2, do={"error": "AccessDeniedException"}, times="always")
        options = {"report_dir": ".", "regions": "us-east-1,eu-west-1"}
        assert "Could not list the sessions in state Active" in fails(run(aws, tmp_path, "audit_sessions", **options))
    assert list(tmp_path.iterdir()) == []


# --- credentials ----------------------------------------------------------------------------------------------------

WITH_PROFILE: dict[str, dict[str, Any]] = {
    "wait_until_ready": {"targets": "i-0a1b2c3d4e5f60001"},
    "end_stale_sessions": {"older_than": "1d", "dry_run": False},
    "audit_sessions": {"report_dir": "."},
}


@pytest.mark.parametrize("playbook", WITH_PROFILE)
def test_a_profile_is_used_for_every_call(playbook: str, tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        who = aws.world.default_identity
        keys = f"[ops]\naws_access_key_id={who.access_key}\naws_secret_access_key={who.secret_key}\n"
        (tmp_path / "keys").write_text(keys)
        settings = {name: value for name, value in aws.env.items() if "KEY" not in name} | QUIET
        settings["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / "keys")
        command = _command(playbook, {**WITH_PROFILE[playbook], "profile": "ops"})
        succeeds(child.attempt(command, tmp_path, settings))
        assert aws.calls()


# --- invalid values -------------------------------------------------------------------------------------------------

NO_REGION: list[Any] = [" ", []]
BAD: dict[str, list[tuple[dict[str, Any], str]]] = {
    "wait_until_ready": [
        ({}, "Set either sessionops_targets or sessionops_group."),
        ({"targets": NODE, "group": "fleet"}, "Set either sessionops_targets or sessionops_group."),
        ({"targets": None}, "sessionops_targets is null"),
        ({"targets": " , "}, "sessionops_targets is empty: list at least one node."),
        ({"targets": [NODE, None]}, "sessionops_targets is null or contains null, which would count as unset."),
        ({"targets": f"{NODE}; {LAB}"}, f"'{NODE};' is not a target ID; expected"),
        (
            {"targets": ["web-1", f"ecs:a_{'0' * 32}"]},
            f"'web-1', 'ecs:a_{'0' * 32}' are not target IDs; {FORMS}",
        ),
        ({"targets": NODE, "xyz": 1}, "Unknown variable 'sessionops_xyz'. The variables of the playbooks of "),
        ({"targets": 5}, "'5' is not a target ID"),
        ({"targets": [{"target": NODE}]}, "are not target IDs; expected i-"),
        ({"group": "fleet"}, "sessionops_group: 'fleet' has no hosts in the inventory."),
        (
            {"targets": NODE, "wait_timeout": "soon"},
            "sessionops_wait_timeout: 'soon' is not a whole number of seconds.",
        ),
        ({"targets": NODE, "wait_delay": "x"}, "sessionops_wait_delay: 'x' is not a number of seconds."),
        ({"targets": NODE, "consecutive": 0}, "sessionops_consecutive: '0' is not a whole number of at least 1."),
        (
            {"targets": NODE, "regions": "eu-west-1"},
            "sessionops_regions belongs to another playbook and would be ignored",
        ),
        (
            {"targets": NODE, "timeout": 5},
            "Unknown variable 'sessionops_timeout'. Did you mean 'sessionops_wait_timeout'?",
        ),
    ],
    "end_stale_sessions": [
        ({}, "Set sessionops_older_than to the minimum age of the sessions to end, such as 12h or 1d."),
        (
            {"older_than": "long"},
            "sessionops_older_than: 'long' is not a valid duration. Use for example 90m, 12h or 1d12h.",
        ),
        (
            {"older_than": "1h", "dry_run": "fasle"},
            "sessionops_dry_run: 'fasle' is not a boolean; expected true or false.",
        ),
        ({"older_than": "1h", "dry_run": ""}, "sessionops_dry_run: '' is not a boolean; expected true or false."),
        (
            {"older_than": "1h", "max_sessions": "many"},
            "sessionops_max_sessions: 'many' is not a whole number.",
        ),
        ({"older_than": "1h", "wait_timeout": "x"}, "sessionops_wait_timeout: 'x' is not a whole number of seconds."),
        *(
            ({"older_than": "1h", "regions": none}, "sessionops_regions is empty: list at least one region.")
            for none in NO_REGION
        ),
        (
            {"older_than": "1h", "regions": ["us-east-1", None]},
            "sessionops_regions is null or contains null, which would count as unset.",
        ),
        *(
            (
                {"older_than": "1h", "exclude_session_ids": none},
                "sessionops_exclude_session_ids is empty, so it would protect no",
            )
            for none in ("", [""])
        ),
        *(
            ({"older_than": "1h", "exclude_session_ids": ids}, "is not a session ID")
            for ids in ([{"session_id": "a"}], "a;b")
        ),
        *(
            (
                {"older_than": "1h", "dry_run": "no", name: None},
                f"sessionops_{name} is null or contains null, which would count as unset.",
            )
            for name in ("target", "exclude_session_ids", "regions")
        ),
        ({"older_than": "1h", "owner": "", "dry_run": "no"}, "owner is empty. Set a value"),
        ({"older_than": "1h", "target": "", "dry_run": "no"}, "target is empty. Set a value"),
        ({"older_than": "1h", "status": "Gone", "dry_run": "no"}, "value of status must be one of"),
        *(
            ({"older_than": "1h", "dry_run": "no", name: value}, f"sessionops_{name} belongs to another playbook")
            for name, value in (
                ("access_type", "JustInTime"),
                ("invoked_before", "2d"),
                ("region", "eu-west-1"),
                ("state", "active"),
                ("targets", NODE),
            )
        ),
        (
            {"older_than": "1h", "ownr": JANE, "dry_run": "no"},
            "Unknown variable 'sessionops_ownr'. Did you mean 'sessionops_owner'?",
        ),
    ],
    "audit_sessions": [
        ({}, "Set sessionops_report_dir to the folder for the reports."),
        (
            {"report_dir": "."} | {"report_name": "../x"},
            "sessionops_report_name: '../x' is not a file name.",
        ),
        ({"report_dir": ".", "report_name": "a\nb"}, "is not a file name."),
        ({"report_dir": " "}, "Set sessionops_report_dir to the folder for the reports."),
        ({"report_dir": ".", "regions": []}, "sessionops_regions is empty: list at least one region."),
        (
            {"report_dir": ".", "report_formats": "pdf"},
            "sessionops_report_formats: 'pdf' is not a list of formats; expected json, csv or html.",
        ),
        ({"report_dir": ".", "state": "active", "status": "Failed"}, "Set state to history or all."),
        ({"report_dir": ".", "target": "web-1"}, "target: 'web-1' is not a target ID"),
        (
            {"report_dir": ".", "state": "open"},
            "sessionops_state: 'open' is not a state; expected active, history or all.",
        ),
        ({"report_dir": ".", "invoked_after": "noon"}, "invoked_after: 'noon' is not a time"),
        ({"report_dir": ".", "report_formats": None}, "sessionops_report_formats is null or contains null"),
        (
            {"report_dir": ".", "exclude_session_ids": "s-1"},
            "sessionops_exclude_session_ids belongs to another playbook",
        ),
        ({"report_dir": ".", "access_type": "Best"}, "value of access_type must be one of"),
    ],
}


@pytest.mark.parametrize(
    ("playbook", "variables", "sentence"),
    [(name, variables, sentence) for name, cases in BAD.items() for variables, sentence in cases],
    ids=str,
)
def test_what_is_no_value_gets_its_sentence(
    playbook: str, variables: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with stale() as aws:
        printed = fails(run(aws, tmp_path, playbook, **variables))
        assert sentence in printed
        # One mistake gives exactly one message.
        assert len(re.findall("^failed: |^fatal: (?!.*One or more items failed)", printed, re.MULTILINE)) == 1
        assert aws.calls("DescribeSessions") == aws.calls("GetConnectionStatus") == []
        assert aws.writes() == []
    assert list(tmp_path.iterdir()) == []
