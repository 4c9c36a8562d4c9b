# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test ssm_session_terminate with every kind of fault in each of its calls.

In every case the task reports the outcome for each session, and a second run does the rest.
"""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm.errors import SSMError

from emulator.testing import LocalAWS
from unit.support.module_runner import connection
from unit.support.session_stage import NODE, REGION, ids, still_open, terminate_sessions, without_waiting, world

COUNT = 3
EVERY = {f"s-{number}" for number in range(1, COUNT + 1)}
DESCRIBE, TERMINATE = "DescribeSessions", "TerminateSession"
# The calls of the task: list the sessions, terminate each of them, and poll until they are closed.
CALLS = [(DESCRIBE, 0), *((TERMINATE, before) for before in range(COUNT)), (DESCRIBE, 1), (DESCRIBE, 2)]
# A text in a reply's body that no output may contain.
CANARY = "TheVerySecretBody"
PAGE = f"<!DOCTYPE html><html><body>{CANARY}<br></body></html>"
JSON_TYPE = "application/x-amz-json-1.1"
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "throttled-once": ({"error": "ThrottlingException", "message": "Rate exceeded"}, 1),
    "throttled": ({"error": "ThrottlingException", "message": "Rate exceeded"}, "always"),
    "error-once": ({"error": "InternalServerError", "status": 500}, 1),
    "error": ({"error": "InternalServerError", "status": 500}, "always"),
    "error-after-once": ({"error": "InternalServerError", "status": 500, "commit": True}, 1),
    "error-after": ({"error": "InternalServerError", "status": 500, "commit": True}, "always"),
    "request-lost-once": ({"drop": "before"}, 1),
    "request-lost": ({"drop": "before"}, "always"),
    "answer-lost-once": ({"drop": "after"}, 1),
    "answer-lost": ({"drop": "after"}, "always"),
    "expired": ({"error": "ExpiredTokenException", "message": "The token is expired"}, "always"),
    "denied": ({"error": "AccessDeniedException", "message": "Not authorized"}, "always"),
    "page": ({"raw": PAGE, "status": 200}, 1),
    "page-in-the-way": ({"raw": PAGE, "status": 502}, "always"),
    "no-json": ({"raw": CANARY, "status": 200, "content_type": JSON_TYPE}, 1),
    "wrong-types": ({"raw": {"Sessions": {CANARY: CANARY}, "SessionId": [CANARY]}, "status": 200}, 1),
    "empty-text": ({"raw": {"Sessions": "", "SessionId": {}}, "status": 200}, 1),
    "unreadable-always": ({"raw": "{}", "status": 200}, "always"),
}
# botocore repeats these calls, so the task has to succeed.
HARMLESS = {"throttled-once", "error-once", "error-after-once", "request-lost-once", "answer-lost-once"}


def run(aws: LocalAWS, attempts: int = 3, **options: Any) -> dict[str, Any]:
    """Run the task with a client that retries, as the module's own client does."""
    retries = {"mode": "standard", "total_max_attempts": attempts}
    with without_waiting():
        client = connection(aws).client("ssm", REGION, retries=retries)
        return terminate_sessions.with_client(client, target=NODE, wait_timeout=10, **options)


@pytest.mark.parametrize("ended", ["ValidationException", "ok"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("operation", "before"), CALLS, ids=str)
def test_a_call_that_goes_wrong(operation: str, before: int, kind: str, ended: str) -> None:
    do, times = KINDS[kind]
    with LocalAWS(world(COUNT, switches={"terminate_ended": ended}), strict=False) as aws:
        aws.add_fault(op=operation, after=before, times=times, do=do)
        sentence = shown = ""
        try:
            done = run(aws)
        except SSMError as error:
            nothing: dict[str, Any] = {"terminated": [], "failures": [], "changed": False, "already_ended": []}
            done, sentence = {**nothing, **error.result}, str(error)
            shown = "".join(traceback.format_exception(error))
        assert CANARY not in shown + repr(done)
        assert aws.unused_faults() == [], "the call that was to go wrong was not made"
        sentence = sentence or done.get("msg", "")
        check_account(done, sentence, still_open(aws))
        # If the task ends any session, it ends all that it can: one failure does not stop the others.
        if kind not in ("expired",) and operation == TERMINATE and times == 1:
            assert len(done["terminated"]) + len(done["failures"]) == COUNT
        assert kind not in HARMLESS or not sentence, sentence
        aws.world.faults.rules.clear()
        again = run(aws)
        assert "failed" not in again
        assert still_open(aws) == set()
        assert run(aws)["changed"] is False
        assert aws.violations == []


@pytest.mark.parametrize("text", ["Not now", "Not now.", "Not now. ", "Not now...", ""])
@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ExpiredTokenException", "Odd"])
@pytest.mark.parametrize("operation", [DESCRIBE, TERMINATE])
def test_a_text_of_aws_ends_with_one_full_stop(operation: str, code: str, text: str) -> None:
    fault = {"op": operation, "times": "always", "do": {"error": code, "message": text}}
    with LocalAWS(world(COUNT, faults=[fault])) as aws:
        try:
            done = run(aws, attempts=1)
            said = [done["msg"], *(failure["reason"] for failure in done["failures"])]
        except SSMError as error:
            said = [str(error)]
    for sentence in said:
        check_sentences(sentence)


def check_sentences(text: str) -> None:
    """Check that every sentence ends with one full stop, and that one space follows it."""
    assert "...." not in text, text
    without_elisions = text.replace("...", "")
    for fault in ("..", " .", "  ", ":."):
        assert fault not in without_elisions, text
    assert "1 of 1 sessions" not in text and " 1 seconds" not in text, text


def check_account(done: dict[str, Any], sentence: str, left_open: set[str]) -> None:
    """Check that the result has the correct outcome for every session."""
    ended, failed, already = set(ids(done, "terminated")), set(ids(done, "failures")), set(done["already_ended"])
    assert already == set(), "nobody else ended any"
    assert done["changed"] is bool(ended)
    assert not ended & left_open, "what is said to be ended is open"
    if not sentence:
        assert (ended, failed) == (EVERY, set())
        return
    assert "\n" not in sentence and "Traceback" not in sentence and sentence.endswith(".")
    for text in (sentence, *(failure["reason"] for failure in done["failures"])):
        check_sentences(text)
    assert left_open <= failed or not (ended or failed), "what is open is not said to be"
    for session in done["failures"]:
        unsure = any(text in session["reason"] for text in ("It is not known", "could not be checked", "expired"))
        assert session["session_id"] in left_open | ended or unsure, session
