# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test sessions that are encrypted with a data key of AWS KMS."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._connection.settings import DOCUMENT
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import channel, encryption, frames
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.encryption import Cipher, EncryptionError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.errors import SessionError
from ansible_collections.sessionops.aws.plugins.plugin_utils._session.frames import PayloadType
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from emulator.gateway.relay import Relay
from emulator.messages import Message
from emulator.testing import LocalAWS
from unit.support.agent_side import Agent, Line, Weather, counted_ids
from unit.support.session_client import PATIENT, Told, a_client, a_node, open_client

KEY = bytes(range(64))
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:us-east-1:123456789012:key/{KEY_ID}"
MARKER = b"plaintext marker"
WRONG_KEY = "Data of the session could not be decrypted. It was changed on the way, or SSM Agent uses another data key."
TOO_EARLY = "The session went on before it was encrypted."


class AgentCipher:
    """The agent's half of the key."""

    def __init__(self, key: bytes = KEY) -> None:
        self._to_client, self._from_client = AESGCM(key[:32]), AESGCM(key[32:])
        self._count = 0

    def encrypt(self, data: bytes) -> bytes:
        self._count += 1
        nonce = self._count.to_bytes(12, "big")
        return nonce + self._to_client.encrypt(nonce, data, None)

    def decrypt(self, data: bytes) -> bytes:
        return self._from_client.decrypt(data[:12], data[12:], None)


def handshake(challenge: str = "") -> bytes:
    parameters = {"KMSKeyId": KEY_ID, **({"Challenge": challenge} if challenge else {})}
    actions = [
        {"ActionType": "SessionType", "ActionParameters": {"SessionType": "InteractiveCommands", "Properties": None}},
        {"ActionType": "KMSEncryption", "ActionParameters": parameters},
    ]
    return json.dumps({"AgentVersion": "3.3.0.0", "RequestedClientActions": actions}).encode()


def question(cipher: AgentCipher) -> bytes:
    return json.dumps({"Challenge": base64.b64encode(cipher.encrypt(MARKER)).decode()}).encode()


def begun(challenge: str = "") -> tuple[channel.Channel, Agent]:
    """Return a channel whose agent has asked for encryption."""
    opened, agent = channel.Channel(1_700_000_000.0, counted_ids()), Agent()
    frame = agent.output(handshake(challenge), 0.0, kind=PayloadType.HANDSHAKE_REQUEST)
    assert opened.receive(frame, 0.0) == [channel.KeyWanted(KEY_ID, challenge)]
    return opened, agent


def closed_by(opened: channel.Channel, frame: bytes) -> str:
    (event,) = opened.receive(frame, 0.0)
    assert isinstance(event, channel.Closed) and not event.by_peer
    return event.reason


class TestCipher:
    @given(st.binary(max_size=1024))
    def test_each_side_reads_what_the_other_encrypts(self, data: bytes) -> None:
        client, agent = Cipher(KEY), AgentCipher()
        encrypted = client.encrypt(data)
        assert len(encrypted) == len(data) + 28
        assert agent.decrypt(encrypted) == data
        assert client.decrypt(agent.encrypt(data)) == data

    @given(st.binary(max_size=64), st.integers(0, 200), st.integers(1, 255))
    def test_what_was_changed_is_not_decrypted(self, data: bytes, place: int, bits: int) -> None:
        encrypted = bytearray(AgentCipher().encrypt(data))
        encrypted[place % len(encrypted)] ^= bits
        for wrong in (bytes(encrypted), bytes(encrypted)[: place % len(encrypted)], Cipher(KEY).encrypt(data)):
            with pytest.raises(EncryptionError, match="could not be decrypted"):
                Cipher(KEY).decrypt(wrong)

    def test_no_nonce_is_used_twice(self) -> None:
        client = Cipher(KEY)
        assert len({client.encrypt(b"")[:12] for unused in range(1000)}) == 1000

    def test_a_controller_without_the_library_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
        with pytest.raises(EncryptionError, match="requires the Python library cryptography on the controller"):
            Cipher(KEY)

    def test_the_library_is_imported_for_encrypted_sessions_only(self) -> None:
        package = encryption.__name__.rpartition(".")[0]
        script = f"import sys, {package}.jobs, {package}.session; print('cryptography' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"


class TestChannel:
    @pytest.mark.parametrize("seed", range(20))
    def test_input_and_output_are_encrypted_in_any_weather(self, seed: int) -> None:
        weather = Weather(lost=0.2, doubled=0.2, damaged=0.1, delay=0.01, spread=0.05, cuts=(0.5, 1.0))
        opened, agent = begun("nonce")
        cipher = AgentCipher()
        opened.encrypt(Cipher(KEY), b"blob")
        line = Line(opened, agent, weather, seed)
        for number in range(30):
            opened.send(PayloadType.OUTPUT, MARKER + bytes([number]))
        line.to_client(agent.output(question(cipher), 0.0, kind=PayloadType.CHALLENGE_REQUEST))
        line.to_client(agent.output(b"{}", 0.0, kind=PayloadType.HANDSHAKE_COMPLETE))
        for number in range(30):
            kind = PayloadType.STDERR if number % 2 else PayloadType.OUTPUT
            line.to_client(agent.output(cipher.encrypt(MARKER + bytes([number])), 0.0, kind=kind))
        assert line.run(lambda: not opened.unacknowledged and agent.has_everything_acknowledged)
        (answered, answer), (challenged, returned), *taken = agent.taken
        assert (answered, challenged) == (PayloadType.HANDSHAKE_RESPONSE, PayloadType.CHALLENGE_RESPONSE)
        assert json.loads(answer)["ProcessedClientActions"][1]["ActionResult"] == {
            "KMSCipherTextKey": base64.b64encode(b"blob").decode(),
            "KMSCipherTextHash": None,
            "ChallengeAcknowledgement": True,
        }
        assert cipher.decrypt(base64.b64decode(json.loads(returned)["Challenge"])) == MARKER
        assert [cipher.decrypt(data) for unused, data in taken] == [MARKER + bytes([n]) for n in range(30)]
        received = [event.data for event in line.events if isinstance(event, channel.Data)]
        assert received == [MARKER + bytes([number]) for number in range(30)]

    def test_nothing_is_sent_before_the_key_is_there(self) -> None:
        opened, unused = begun()
        opened.send(PayloadType.OUTPUT, MARKER)
        assert [frames.decode(frame).message_type for frame in opened.frames_to_send(0.0)] == [frames.ACKNOWLEDGE]
        opened.encrypt(Cipher(KEY), b"blob")
        (answer,) = opened.frames_to_send(0.0)
        said = json.loads(frames.decode(answer).payload)["ProcessedClientActions"][1]
        assert said["ActionResult"]["ChallengeAcknowledgement"] is False, "the agent sent no challenge"

    def test_a_message_that_is_sent_again_has_the_same_bytes(self) -> None:
        opened, agent = begun()
        opened.encrypt(Cipher(KEY), b"blob")
        opened.receive(agent.output(b"{}", 0.0, kind=PayloadType.HANDSHAKE_COMPLETE), 0.0)
        opened.send(PayloadType.OUTPUT, MARKER)
        first = opened.frames_to_send(1.0)[-1]
        assert opened.frames_to_send(100.0)[-1] == first
        assert MARKER not in first

    @pytest.mark.parametrize(
        ("kind", "payload"),
        [(PayloadType.OUTPUT, MARKER), (PayloadType.OUTPUT, b""), (PayloadType.HANDSHAKE_COMPLETE, b"{}")],
    )
    def test_a_session_that_goes_on_without_encryption_is_closed(self, kind: int, payload: bytes) -> None:
        opened, agent = begun()
        opened.send(PayloadType.OUTPUT, MARKER)
        assert closed_by(opened, agent.output(payload, 0.0, kind=kind)) == TOO_EARLY
        assert opened.frames_to_send(100.0) == []

    def test_output_that_is_not_encrypted_closes_the_channel(self) -> None:
        opened, agent = begun()
        opened.encrypt(Cipher(KEY), b"blob")
        assert closed_by(opened, agent.output(MARKER, 0.0)) == WRONG_KEY

    @pytest.mark.parametrize("key_id", [None, "", {"a": 1}, "x" * 2049])
    def test_a_key_that_has_no_name_closes_the_channel(self, key_id: Any) -> None:
        opened, agent = channel.Channel(1_700_000_000.0, counted_ids()), Agent()
        action = {"ActionType": "KMSEncryption", "ActionParameters": {"KMSKeyId": key_id}}
        said = json.dumps({"RequestedClientActions": [action]}).encode()
        reason = closed_by(opened, agent.output(said, 0.0, kind=PayloadType.HANDSHAKE_REQUEST))
        assert reason == "The handshake asks for encryption and does not name an AWS KMS key."

    def test_the_data_of_another_key_closes_the_channel(self) -> None:
        opened, agent = begun()
        opened.encrypt(Cipher(KEY), b"blob")
        data = question(AgentCipher(bytes(64)))
        assert closed_by(opened, agent.output(data, 0.0, kind=PayloadType.CHALLENGE_REQUEST)) == WRONG_KEY

    def test_output_cannot_be_turned_into_input(self) -> None:
        """A challenge makes the client encrypt what the agent encrypted. The relay could send it output."""
        opened, agent = begun()
        cipher = AgentCipher()
        opened.encrypt(Cipher(KEY), b"blob")
        assert opened.receive(agent.output(question(cipher), 0.0, kind=PayloadType.CHALLENGE_REQUEST), 0.0) == []
        reason = closed_by(opened, agent.output(question(cipher), 0.0, kind=PayloadType.CHALLENGE_REQUEST))
        assert reason == "The handshake of the session has a challenge that was not expected."

    @pytest.mark.parametrize(
        ("kind", "payload", "reason"),
        [
            (PayloadType.HANDSHAKE_REQUEST, handshake(), "The handshake of the session began twice."),
            (PayloadType.CHALLENGE_REQUEST, b'{"Challenge": "?"}', "The challenge of the handshake is not base64."),
            (
                PayloadType.CHALLENGE_REQUEST,
                '{"Challenge": "\u00e9"}'.encode(),
                "The challenge of the handshake is not base64.",
            ),
            (PayloadType.CHALLENGE_REQUEST, b"[]", "The challenge of the handshake is not a JSON object."),
        ],
    )
    def test_a_handshake_without_meaning_closes_the_channel(self, kind: int, payload: bytes, reason: str) -> None:
        opened, agent = begun()
        opened.encrypt(Cipher(KEY), b"blob")
        assert closed_by(opened, agent.output(payload, 0.0, kind=kind)) == reason

    def test_a_challenge_without_encryption_closes_the_channel(self) -> None:
        opened, agent = channel.Channel(1_700_000_000.0, counted_ids()), Agent()
        frame = agent.output(question(AgentCipher()), 0.0, kind=PayloadType.CHALLENGE_REQUEST)
        assert closed_by(opened, frame) == "The handshake of the session has a challenge that was not expected."


def document(session_type: str = "InteractiveCommands", key: str = KEY_ID) -> dict[str, Any]:
    content: dict[str, Any] = {"schemaVersion": "1.0", "sessionType": session_type, "inputs": {"kmsKeyId": key}}
    if session_type == "InteractiveCommands":
        content["parameters"] = {"command": {"type": "String"}}
        content["properties"] = {"linux": {"commands": "{{ command }}"}}
    return {"name": "Encrypted", "document_type": "Session", "content": content}


Stage = Callable[..., LocalAWS]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Return a function that serves a node whose document encrypts."""
    running = []

    def start(agent: dict[str, Any] | None = None, *, enabled: bool = True, **given: str) -> LocalAWS:
        keys = [{"id": KEY_ID, "alias": "alias/sessions", "enabled": enabled}]
        node = a_node(agent, region={"documents": [document(**given)], "kms_keys": keys})
        running.append(node)
        aws = node.__enter__()
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", aws.url)
        return aws

    yield start
    for node in running:
        node.__exit__(None, None, None)


def refusal(aws: LocalAWS, **given: Any) -> str:
    """Try to open an encrypted session. Return the error, and check that no session is left."""
    with pytest.raises(SessionError) as caught:
        open_client(aws, document="Encrypted", **given)
    assert [call.operation for call in aws.calls("StartSession")] == ["StartSession"]
    sessions = aws.client("ssm").describe_sessions(State="Active")["Sessions"]
    assert [one["Status"] for one in sessions if one["Status"] != "Terminating"] == []
    return str(caught.value)


class TestSession:
    @pytest.mark.parametrize(
        ("agent", "given"),
        [
            ({}, {}),
            ({"kms_challenge": False}, {"key": ARN}),
            ({"require_kms_challenge": True}, {"key": "alias/sessions"}),
            ({}, {"session_type": "Standard_Stream"}),
        ],
        ids=["both challenges", "an older agent", "challenges required", "a shell"],
    )
    def test_nothing_of_a_session_is_readable_on_the_way(
        self,
        stage: Stage,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        agent: dict[str, Any],
        given: dict[str, str],
    ) -> None:
        seen: list[bytes] = []
        receive = Relay.receive

        def tap(relay: Relay, side: Any, frame: str | bytes) -> None:
            seen.append(frame if isinstance(frame, bytes) else frame.encode())
            receive(relay, side, frame)

        monkeypatch.setattr(Relay, "receive", tap)
        aws = stage(agent, **given)
        # Random data is not compressed, so it is sent as it is, and returned in base64.
        data, large = random.Random(1).randbytes(60_000), tmp_path / "large"

        def found(document: str) -> set[str]:
            """Use a session. Return which of its secrets are in the frames."""
            seen.clear()
            with a_client(aws, document=document) as client:
                done = client.run(b"cat; echo plaintext marker >&2; exit 3", data)
                assert (done.status, done.out, done.err) == (3, data, MARKER + b"\n")
                client.put(io.BytesIO(data), str(large).encode())
                got = io.BytesIO()
                client.get(str(large).encode(), got)
            assert got.getvalue() == data == large.read_bytes()
            secrets = {
                "command": MARKER,
                "start": b"READY",
                "file": data[3000:3020],
                "output": base64.b64encode(data)[:20],
            }
            return {name for name, secret in secrets.items() if any(secret in frame for frame in seen)}

        assert found(DOCUMENT) == {"command", "start", "file", "output"}, "the test can see them"
        assert found("Encrypted") == set()
        assert len(seen) > 100
        messages = [Message.decode(frame) for frame in seen]
        assert {m.payload_type for m in messages if m.type == "output_stream_data"} <= {1, 5, 7, 8}
        (call,) = aws.calls("GenerateDataKey")
        context = call.params["EncryptionContext"]
        assert call.params["NumberOfBytes"] == 64
        assert set(context) == {"aws:ssm:SessionId", "aws:ssm:TargetId"} | (
            {"aws:ssm:RandomChallenge"} if agent.get("kms_challenge", True) else set()
        )

    @pytest.mark.parametrize(
        "faults",
        [
            # While data is sent.
            [
                {"op": "frame:input_stream_data", "after": 60, "do": {"cut": "client"}},
                {"op": "frame:input_stream_data", "after": 120, "do": {"close": "agent"}},
            ],
            # In the handshake, between any two of its messages.
            [{"op": "frame:input_stream_data", "times": 2, "do": {"cut": "client"}}],
            [{"op": "frame:output_stream_data", "times": 3, "do": {"close": "client"}}],
            [{"op": "frame:output_stream_data", "times": 3, "do": {"close": "agent"}}],
            [{"op": f"frame:{kind}_stream_data", "times": 2, "do": {"drop": True}} for kind in ("input", "output")],
        ],
        ids=["data", "answers", "questions", "agent", "lost"],
    )
    def test_it_is_resumed_with_the_same_key(self, stage: Stage, faults: list[dict[str, Any]]) -> None:
        aws, told = stage(), Told()
        for fault in faults:
            aws.add_fault(**fault)
        data = random.Random(2).randbytes(300_000)
        with a_client(aws, told, document="Encrypted") as client:
            assert client.run(b"sha256sum", data).out.split()[0].decode() == hashlib.sha256(data).hexdigest()
        assert len(aws.calls("GenerateDataKey")) == 1
        assert (
            told.lines.count((3, f"SESSION {client.session.session_id} is encrypted with the AWS KMS key {KEY_ID}"))
            == 1
        )

    def test_a_data_key_that_takes_long_is_not_the_time_of_the_node(self, stage: Stage) -> None:
        aws = stage({"fast": False})
        aws.add_fault(op="GenerateDataKey", do={"delay": 3})
        limits = dataclasses.replace(PATIENT, connect=3.0)
        with a_client(aws, document="Encrypted", limits=limits) as client:
            assert client.run(b"echo here").out == b"here\n"

    def test_a_node_that_takes_long_to_decrypt_is_a_sentence(self, stage: Stage) -> None:
        aws = stage()
        aws.add_fault(op="Decrypt", do={"delay": 4})
        limits = dataclasses.replace(PATIENT, connect=1.0)
        assert refusal(aws, limits=limits) == (
            "SSM Agent did not decrypt the data key within 1 second. Check that the node reaches AWS KMS. To allow "
            "more time, raise ansible_aws_ssm_connect_timeout."
        )

    def test_a_kms_that_cannot_be_reached_is_a_sentence(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        aws = stage()
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
        assert "Check ansible_aws_ssm_region, AWS_ENDPOINT_URL_KMS and the network." in refusal(aws)

    def test_a_reply_without_a_data_key_is_a_sentence(self, stage: Stage) -> None:
        aws = stage()
        aws.add_fault(op="GenerateDataKey", do={"raw": {"KeyId": ARN}})
        assert "the service returned an invalid reply" in refusal(aws)

    def test_credentials_that_have_expired_are_read_again(self, stage: Stage) -> None:
        aws = stage()
        aws.add_fault(op="GenerateDataKey", do={"error": "ExpiredTokenException"})
        with a_client(aws, document="Encrypted") as client:
            assert client.run(b"echo here").out == b"here\n"
        assert [call.outcome for call in aws.calls("GenerateDataKey")] == ["ExpiredTokenException", "ok"]

    @pytest.mark.parametrize(
        ("code", "sentence"),
        [
            ("AccessDeniedException", "The caller needs the permission kms:GenerateDataKey."),
            ("KMSInvalidStateException", "KMSInvalidStateException"),
        ],
    )
    def test_a_data_key_that_aws_denies_is_a_sentence(self, stage: Stage, code: str, sentence: str) -> None:
        aws = stage()
        aws.add_fault(op="GenerateDataKey", do={"error": code})
        told = refusal(aws)
        assert told.startswith(f"Could not generate a data key with the AWS KMS key {KEY_ID}: {code}")
        assert sentence in told
        assert told.endswith("It is set as kmsKeyId in the Session document or in the preferences of Session Manager.")

    @pytest.mark.parametrize(
        ("enabled", "key", "code"),
        [
            (False, KEY_ID, "DisabledException"),
            (True, "alias/other", "NotFoundException"),
            (True, ARN.replace("123456789012", "999999999999"), "AccessDeniedException"),
        ],
    )
    def test_a_key_that_cannot_be_used_is_a_sentence(self, stage: Stage, enabled: bool, key: str, code: str) -> None:
        assert f"with the AWS KMS key {key}: {code}" in refusal(stage(enabled=enabled, key=key))

    @pytest.mark.parametrize(
        ("code", "hint"),
        [
            ("AccessDeniedException", "Allow the role of the node kms:Decrypt with the AWS KMS key of the session."),
            (
                "DisabledException",
                "Check that the node reaches AWS KMS, and that the key is enabled and in the node's region.",
            ),
        ],
    )
    def test_a_node_that_cannot_decrypt_is_a_sentence(self, stage: Stage, code: str, hint: str) -> None:
        aws = stage()
        aws.add_fault(op="Decrypt", do={"error": code, "message": "no"})
        told = refusal(aws)
        assert re.match(rf"The session ended: .*Fetching data key failed: .*{code}: no\. ", told)
        assert told.endswith(hint)

    @pytest.mark.parametrize("kms_challenge", [True, False])
    def test_an_agent_with_another_key_is_a_sentence(self, stage: Stage, kms_challenge: bool) -> None:
        aws = stage({"kms_challenge": kms_challenge})
        aws.add_fault(op="Decrypt", do={"set": {"Plaintext": bytes(64)}})
        assert refusal(aws) == WRONG_KEY
