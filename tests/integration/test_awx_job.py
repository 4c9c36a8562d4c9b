# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the playbooks as jobs of AWX job templates, with survey answers and the hosts of an inventory."""

from __future__ import annotations

from pathlib import Path

from awx import EMPTY_INVENTORY, NEEDED, TOKENS, launch, permissions, project, seen_by_jobs, template, update

from emulator.testing import LocalAWS


def test_a_job_that_waits_for_nodes(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        targets = "i-0a1b2c3d4e5f60001\nmi-0a1b2c3d4e5f60006\n"
        folder = project(tmp_path, "job")
        job = launch(aws, folder, template("wait_until_ready.yml"), EMPTY_INVENTORY, sessionops_targets=targets)
        assert job.status == 0, job.printed
        assert len(aws.calls("GetConnectionStatus")) == 2
        assert permissions(aws) == NEEDED["wait_until_ready.yml"]


def test_a_job_that_reports(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        reports = tmp_path / "reports"
        folder = project(tmp_path, "job")
        answers = {"sessionops_report_dir": str(reports)}
        # This playbook uses a module of amazon.aws, which takes an empty AWS_PROFILE for the name of a profile.
        job = launch(aws, folder, template("audit_sessions.yml"), EMPTY_INVENTORY, TOKENS, **answers)
        assert job.status == 0, job.printed
        assert sorted(path.name for path in reports.iterdir()) == ["sessions.csv", "sessions.html", "sessions.json"]
        assert permissions(aws) == NEEDED["audit_sessions.yml"]


def test_a_job_that_ends_sessions_does_so_only_when_it_is_told_to(tmp_path: Path) -> None:
    with LocalAWS("demo") as aws:
        job = launch(aws, project(tmp_path, "dry"), template("end_stale_sessions.yml"), EMPTY_INVENTORY)
        assert job.status == 0, job.printed
        assert "bob-0b1c2d3e4f5a60718" in job.printed
        assert aws.writes() == []
        answers = {"sessionops_dry_run": "false"}
        job = launch(aws, project(tmp_path, "real"), template("end_stale_sessions.yml"), EMPTY_INVENTORY, **answers)
        assert job.status == 0, job.printed
        assert [call.params for call in aws.writes()] == [{"SessionId": "bob-0b1c2d3e4f5a60718"}]
        assert permissions(aws) == NEEDED["end_stale_sessions.yml"]


def test_a_job_has_the_hosts_that_were_connected_and_no_others(tmp_path: Path) -> None:
    """Give a template a group instead of IDs. Nodes that are not connected are disabled and get into no job."""
    with LocalAWS("demo") as aws:
        found = seen_by_jobs(update(aws, project(tmp_path, "update")).inventory())
        shape = {"playbook": "wait_until_ready.yml"}
        position = aws.position
        job = launch(aws, project(tmp_path, "job"), shape, found, sessionops_group="ssm_connected")
        assert job.status == 0, job.printed
        asked = {(call.region, call.params["Target"]) for call in aws.calls("GetConnectionStatus", since=position)}
        assert asked == {
            ("us-east-1", "i-0a1b2c3d4e5f60001"),
            ("us-east-1", "mi-0a1b2c3d4e5f60006"),
            ("eu-west-1", "i-0a1b2c3d4e5f60007"),
        }
        job = launch(aws, project(tmp_path, "other"), shape, found, sessionops_group="ssm_not_connected")
        assert job.status != 0
        assert "sessionops_group: 'ssm_not_connected' has no hosts in the inventory." in job.sentences
