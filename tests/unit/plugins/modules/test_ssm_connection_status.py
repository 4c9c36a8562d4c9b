# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ssm_connection_status where AWS is not kind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError
from ansible_collections.sessionops.aws.plugins.modules import ssm_connection_status
from running import Runner

from emulator.testing import LocalAWS

ask = Runner(ssm_connection_status.ARGUMENT_SPEC, ssm_connection_status.connection_status)

ONE = "i-0a1b2c3d4e5f60001"
TWO = "mi-0a1b2c3d4e5f60002"


def world(one: Any = "connected", two: Any = "notconnected", **settings: Any) -> dict[str, Any]:
    nodes = [{"id": ONE, "status": one}, {"id": TWO, "status": two}]
    return {"regions": {"us-east-1": {"nodes": nodes}}, **settings}


@pytest.mark.parametrize("case", ["lower", "title"])
def test_the_status_however_it_is_spelt(case: str) -> None:
    with LocalAWS(world(switches={"status_case": case})) as aws:
        done = ask(aws, targets=[ONE, TWO])
        assert (done["connected"], done["not_connected"]) == ([ONE], [TWO])


@pytest.mark.parametrize(
    "do",
    [
        {"raw": "{}", "status": 200},
        {"raw": "<html>", "status": 200},
        {"raw": "[]", "status": 200},
        {"raw": "", "status": 200},
        {"truncate": True},
        {"drop": "before"},
        {"error": "InternalServerError", "status": 500},
        {"set": {"Status": "brandnew"}},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_unknown_and_never_not_connected(do: dict[str, Any]) -> None:
    fault = {"op": "GetConnectionStatus", "match": {"Target": ONE}, "do": do}
    with LocalAWS(world(faults=[fault])) as aws:
        done = ask(aws, targets=[ONE, TWO])
        assert (done["unknown"], done["not_connected"]) == ([ONE], [TWO])
        assert done["statuses"][0]["reason"]


def test_a_task_that_learned_nothing_fails() -> None:
    fault = {"op": "GetConnectionStatus", "times": 2, "do": {"error": "AccessDeniedException"}}
    with LocalAWS(world(faults=[fault])) as aws:
        with pytest.raises(SSMError, match="The caller needs the permission ssm:GetConnectionStatus"):
            ask(aws, targets=[ONE, TWO])


def test_credentials_that_have_expired_end_it_at_once() -> None:
    fault = {"op": "GetConnectionStatus", "times": "always", "do": {"error": "ExpiredTokenException"}}
    with LocalAWS(world(faults=[fault])) as aws:
        with pytest.raises(SSMError, match="ExpiredTokenException"):
            ask(aws, targets=[f"i-{number:017x}" for number in range(500)])
        assert len(aws.calls()) < 500


@pytest.mark.parametrize("target", ["ecs:fleet_0123456789abcdef_0123456789abcdef-1", "mi-0a1b2c3d4e5f60009"])
def test_targets_are_passed_on_as_they_are(target: str) -> None:
    with LocalAWS(world()) as aws:
        ask(aws, targets=[target])
        assert aws.calls()[0].params == {"Target": target}
