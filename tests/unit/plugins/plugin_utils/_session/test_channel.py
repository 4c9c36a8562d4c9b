# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the client's side of a data channel, with a logical clock and a model of the agent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.sessionops.aws.plugins.plugin_utils._session import channel, frames, handshake, helper, lines
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.support.agent_side import Agent, Line, Weather, counted_ids

OUTPUT = frames.PayloadType.OUTPUT
SHELL = {"ActionType": "SessionType", "ActionParameters": {"SessionType": "Port", "Properties": {"portNumber": "22"}}}
NOT_SUPPORTED = (
    "At the start of the session, SSM Agent requested an action that the plugin does not support. Set "
    "ansible_aws_ssm_document to another document."
)
WEATHER = st.builds(
    Weather,
    lost=st.sampled_from([0.0, 0.01, 0.1, 0.4]),
    doubled=st.sampled_from([0.0, 0.1, 0.5]),
    damaged=st.sampled_from([0.0, 0.0, 0.1]),
    delay=st.sampled_from([0.0, 0.001, 0.04, 0.5]),
    spread=st.sampled_from([0.0, 0.01, 0.3]),
    cuts=st.lists(st.floats(0.0, 3.0), max_size=5).map(tuple),
    away=st.sampled_from([0.0, 0.1, 2.0]),
)


def make_channel() -> channel.Channel:
    return channel.Channel(epoch=1_700_000_000.0, new_id=counted_ids())


def ready(opened: channel.Channel, agent: Agent) -> None:
    """Make a channel ready, as the first output of an interactive command does."""
    assert opened.receive(agent.output(b"~READY\n", 0.0), 0.0)[0] == channel.Ready()
    for frame in opened.frames_to_send(0.0):
        agent.receive(frame)


def service(message_type: str, payload: bytes = b"") -> bytes:
    return frames.encode(frames.Message(message_type, payload, counted_ids()(), 1))


def acknowledged(sent: list[bytes]) -> list[int]:
    """Return the sequence numbers that frames acknowledge."""
    messages = [frames.decode(frame) for frame in sent]
    return [
        json.loads(message.payload)["AcknowledgedMessageSequenceNumber"]
        for message in messages
        if message.message_type == frames.ACKNOWLEDGE
    ]


def numbers(sent: list[bytes]) -> list[int]:
    """Return the sequence numbers of the input in frames."""
    messages = [frames.decode(frame) for frame in sent]
    return [message.sequence_number for message in messages if message.message_type == frames.INPUT]


def request(*actions: dict[str, Any]) -> bytes:
    return json.dumps({"AgentVersion": "3.3.0.0", "RequestedClientActions": actions}).encode()


@given(
    WEATHER,
    st.lists(st.binary(min_size=1, max_size=1024), max_size=40),
    st.lists(st.binary(min_size=1, max_size=1024), max_size=40),
    st.integers(0, 2**32),
)
@settings(max_examples=300)
def test_in_any_weather_each_byte_arrives_once_and_in_order(
    weather: Weather, given_input: list[bytes], given_output: list[bytes], seed: int
) -> None:
    """Messages come in batches, again, and too early (session-manager-plugin 139)."""
    opened, agent = make_channel(), Agent()
    line = Line(opened, agent, weather, seed)
    for data in given_input:
        opened.send(OUTPUT, data)
    for data in [b"~READY\n", *given_output]:
        line.to_client(agent.output(data, line.now))

    def has_arrived() -> bool:
        return not opened.unacknowledged and agent.has_everything_acknowledged

    assert line.run(has_arrived)
    assert agent.taken == [(OUTPUT, data) for data in given_input]
    received = [event.data for event in line.events if isinstance(event, channel.Data)]
    assert received == [b"~READY\n", *given_output]


@given(
    WEATHER,
    st.lists(st.binary(max_size=3000), min_size=1, max_size=8),
    st.sets(st.integers(0, 60)),
    st.integers(0, 2**32),
)
@settings(max_examples=100)
def test_requests_survive_messages_that_the_agent_writes_twice(
    weather: Weather, given_raw: list[bytes], twice: set[int], seed: int
) -> None:
    opened, agent = make_channel(), Agent()
    line = Line(opened, agent, weather, seed)
    line.to_client(agent.output(b"~READY\n", 0.0))
    writer = lines.Writer()
    for job, raw in enumerate(given_raw):
        for block in writer.request("feed", job, raw):
            opened.send(OUTPUT, block)
    assert line.run(lambda: not opened.unacknowledged)
    blocks, requests = helper.Blocks(0), helper.Requests()
    found = []
    for place, (unused, data) in enumerate(agent.taken):
        for written in [data, data] if place in twice else [data]:
            # The terminal gives what was written in pieces of any size.
            for piece in (written[:5], written[5:]):
                found += requests.feed(blocks.feed(piece))
    assert [raw for unused, raw in found] == given_raw
    assert [request["job"] for request, unused in found] == list(range(len(given_raw)))


def test_a_lost_part_of_a_large_transfer_costs_one_timeout_and_not_one_for_each_message() -> None:
    opened, agent = make_channel(), Agent()
    line = Line(opened, agent, Weather(delay=0.02, cuts=(1.0,), away=0.5), 1)
    line.to_client(agent.output(b"~READY\n", 0.0))
    for number in range(3000):
        opened.send(OUTPUT, number.to_bytes(4, "big") * 256)
    assert line.run(lambda: not opened.unacknowledged)
    assert [int.from_bytes(data[:4], "big") for unused, data in agent.taken] == list(range(3000))
    # A full window of 256 KiB each 40 ms; slower only at the beginning, and while the socket is away.
    assert line.now < 4.0


def test_each_message_is_acknowledged_again_when_it_comes_again() -> None:
    opened, agent = make_channel(), Agent()
    first, second = agent.output(b"a", 0.0), agent.output(b"b", 0.0)
    opened.receive(first, 0.0)
    opened.receive(second, 0.0)
    assert acknowledged(opened.frames_to_send(0.0)) == [0, 1]
    assert opened.receive(first, 0.1) == []
    assert acknowledged(opened.frames_to_send(0.1)) == [0]


def test_early_messages_have_a_limit_of_bytes() -> None:
    """What is not kept is not acknowledged, so that the agent sends it again."""
    opened = make_channel()
    size = channel.MAX_EARLY_BYTES // 4

    def come(number: int) -> list[channel.Event]:
        return opened.receive(
            frames.encode(frames.Message(frames.OUTPUT, b"x" * size, counted_ids()(), 1, number, 0, OUTPUT)), 0.0
        )

    for number in (1, 2, 3, 4, 5, 4):
        assert come(number) == []
    assert acknowledged(opened.frames_to_send(0.0)) == [1, 2, 3, 4, 4]
    assert sum(len(event.data) for event in come(0) if isinstance(event, channel.Data)) == 5 * size
    assert sum(len(event.data) for event in come(5) if isinstance(event, channel.Data)) == size


def test_a_message_that_comes_early_waits_for_those_before_it() -> None:
    opened, agent = make_channel(), Agent()
    first, second = agent.output(b"a", 0.0), agent.output(b"b", 0.0)
    assert opened.receive(second, 0.0) == []
    assert opened.receive(first, 0.0) == [channel.Ready(), channel.Data(OUTPUT, b"a"), channel.Data(OUTPUT, b"b")]
    assert acknowledged(opened.frames_to_send(0.0)) == [1, 0]


def test_a_message_that_cannot_be_kept_is_not_acknowledged() -> None:
    opened, agent = make_channel(), Agent()
    far = frames.encode(
        frames.Message(frames.OUTPUT, b"x", counted_ids()(), 1, channel.MAX_EARLY, 0, frames.PayloadType.OUTPUT)
    )
    assert opened.receive(far, 0.0) == []
    assert opened.frames_to_send(0.0) == []
    assert opened.receive(agent.output(b"a", 0.0), 0.0)[1:] == [channel.Data(OUTPUT, b"a")]


def test_unknown_payload_types_are_acknowledged_and_passed_over() -> None:
    opened, agent = make_channel(), Agent()
    assert opened.receive(agent.output(b"?", 0.0, kind=99), 0.0) == []
    assert acknowledged(opened.frames_to_send(0.0)) == [0]
    assert opened.receive(agent.output(b"a", 0.0), 0.0)[-1] == channel.Data(OUTPUT, b"a")


def test_a_damaged_message_is_not_acknowledged() -> None:
    opened, agent = make_channel(), Agent()
    frame = agent.output(b"abc", 0.0)
    assert opened.receive(frame[:-1] + b"?", 0.0) == []
    assert opened.frames_to_send(0.0) == []
    assert opened.receive(frame, 0.0)[-1] == channel.Data(OUTPUT, b"abc")


@pytest.mark.parametrize("frame", [b"", b"?" * 200, service("agent_session_state"), service(frames.ACKNOWLEDGE, b"[")])
def test_what_means_nothing_is_passed_over(frame: bytes) -> None:
    opened = make_channel()
    assert opened.receive(frame, 0.0) == []
    assert opened.frames_to_send(0.0) == []


def test_nothing_is_sent_before_the_session_is_ready() -> None:
    opened, agent = make_channel(), Agent()
    opened.send(OUTPUT, b"early")
    assert opened.frames_to_send(0.0) == []
    assert opened.next_timer() is None
    ready(opened, agent)
    assert agent.taken == [(OUTPUT, b"early")]


def test_the_answer_to_a_handshake_comes_before_input_that_waits() -> None:
    opened, agent = make_channel(), Agent()
    opened.send(OUTPUT, b"early")
    opened.receive(agent.output(request(SHELL), 0.0, kind=frames.PayloadType.HANDSHAKE_REQUEST), 0.0)
    for frame in opened.frames_to_send(0.0):
        for answer in agent.receive(frame):
            opened.receive(answer, 0.0)
    ((kind, answer),) = agent.taken
    assert kind == frames.PayloadType.HANDSHAKE_RESPONSE
    assert json.loads(answer)["ProcessedClientActions"] == [
        {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": None, "Error": ""}
    ]
    complete = json.dumps({"HandshakeTimeToComplete": 1, "CustomerMessage": "Be careful."}).encode()
    assert opened.receive(agent.output(complete, 0.0, kind=frames.PayloadType.HANDSHAKE_COMPLETE), 1.0) == [
        channel.Ready("Port", "Be careful.")
    ]
    # The agent loses what comes in the moment in which it says that the handshake is complete.
    assert numbers(opened.frames_to_send(1.0)) == []
    timer = opened.next_timer()
    assert timer is not None
    assert 1.02 <= timer <= 1.1
    assert numbers(opened.frames_to_send(timer)) == [1]


def test_what_is_not_supported_is_refused_in_words() -> None:
    opened, agent = make_channel(), Agent()
    frame = agent.output(request(SHELL, {"ActionType": "New"}), 0.0, kind=frames.PayloadType.HANDSHAKE_REQUEST)
    assert opened.receive(frame, 0.0) == [channel.Closed(NOT_SUPPORTED, by_peer=False)]
    assert opened.frames_to_send(0.0) == []


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"RequestedClientActions": [1]}'])
def test_a_handshake_without_meaning_closes_the_channel(payload: bytes) -> None:
    opened, agent = make_channel(), Agent()
    frame = agent.output(payload, 0.0, kind=frames.PayloadType.HANDSHAKE_REQUEST)
    (event,) = opened.receive(frame, 0.0)
    assert isinstance(event, channel.Closed)
    assert "andshake" in event.reason


def test_the_window_grows_with_acknowledgements_and_is_halved_when_messages_are_sent_again() -> None:
    opened, agent = make_channel(), Agent()
    ready(opened, agent)
    for unused in range(1000):
        opened.send(OUTPUT, b"x" * 1024)
    sent = opened.frames_to_send(0.0)
    assert len(sent) == channel.MIN_WINDOW // 1024
    for frame in sent:
        (answer,) = agent.receive(frame)
        opened.receive(answer, 0.01)
    grown = opened.frames_to_send(0.01)
    assert len(grown) == 2 * channel.MIN_WINDOW // 1024
    timer = opened.next_timer()
    assert timer is not None
    assert opened.frames_to_send(timer - 0.001) == []
    assert opened.frames_to_send(timer) == grown
    for frame in grown[:16]:
        (answer,) = agent.receive(frame)
        opened.receive(answer, timer)
    # 16 KiB of 32 KiB are acknowledged, but the window is no larger than that now, and grew by what was acknowledged.
    assert len(opened.frames_to_send(timer)) == 16
    assert opened.unacknowledged == (1000 - 16 - 16) * 1024


def test_a_peer_that_does_not_answer_is_asked_less_and_less_often() -> None:
    opened, agent = make_channel(), Agent()
    ready(opened, agent)
    opened.send(OUTPUT, b"x")
    (frame,) = opened.frames_to_send(0.0)
    now, pauses = 0.0, []
    for unused in range(8):
        timer = opened.next_timer()
        assert timer is not None
        assert opened.frames_to_send(timer) == [frame]  # the same bytes each time
        pauses.append(timer - now)
        now = timer
    assert pauses == sorted(pauses)
    assert pauses[0] <= 0.2
    assert 2.0 <= pauses[-1] <= 4.0


def test_after_a_new_socket_all_is_sent_again_in_order() -> None:
    opened, agent = make_channel(), Agent()
    ready(opened, agent)
    for data in (b"a", b"b", b"c"):
        opened.send(OUTPUT, data)
    sent = opened.frames_to_send(0.0)
    opened.receive(agent.receive(sent[1])[0], 0.0)
    opened.receive(agent.output(b"late", 0.0), 0.0)
    opened.socket_lost()
    assert opened.frames_to_send(9.0) == []
    assert opened.next_timer() is None
    opened.resumed()
    again = opened.frames_to_send(9.0)
    assert numbers(again) == [0, 2]
    assert acknowledged(again) == [0, 1]  # also what was acknowledged before: that may be lost, too
    assert again[2:] == [sent[0], sent[2]]


def test_the_service_may_say_that_the_agent_is_away() -> None:
    opened, agent = make_channel(), Agent()
    ready(opened, agent)
    assert opened.receive(service(frames.PAUSE_PUBLICATION), 0.0) == [channel.Paused()]
    assert opened.receive(service(frames.PAUSE_PUBLICATION), 0.0) == []
    opened.send(OUTPUT, b"x")
    assert opened.frames_to_send(0.0) == []
    assert opened.receive(service(frames.START_PUBLICATION), 0.0) == [channel.Started()]
    assert numbers(opened.frames_to_send(0.0)) == [0]


def test_an_agent_that_sends_is_there_whatever_the_service_said() -> None:
    opened, agent = make_channel(), Agent()
    ready(opened, agent)
    opened.receive(service(frames.PAUSE_PUBLICATION), 0.0)
    assert opened.receive(agent.output(b"x", 0.0), 0.0) == [channel.Started(), channel.Data(OUTPUT, b"x")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"Output": "No run-as user was found."}', "No run-as user was found."),
        (b'{"Output": null}', ""),
        (b"?", ""),
    ],
)
def test_the_end_says_why(payload: bytes, reason: str) -> None:
    opened, agent = make_channel(), Agent()
    ready(opened, agent)
    assert opened.receive(service(frames.CHANNEL_CLOSED, payload), 0.0) == [channel.Closed(reason)]
    opened.send(OUTPUT, b"x")
    assert opened.frames_to_send(0.0) == []
    assert opened.receive(agent.output(b"x", 0.0), 0.0) == []


def test_a_message_has_at_most_1024_bytes() -> None:
    with pytest.raises(ValueError, match="at most 1024 bytes"):
        make_channel().send(OUTPUT, b"x" * 1025)


def test_the_frame_that_opens_a_channel_has_the_token_and_the_ids() -> None:
    new_id = counted_ids()
    client, request_id = new_id(), new_id()
    assert json.loads(handshake.open_channel("secret", client, request_id)) == {
        "MessageSchemaVersion": "1.0",
        "RequestId": str(request_id),
        "TokenValue": "secret",
        "ClientId": str(client),
        "ClientVersion": handshake.CLIENT_VERSION,
    }
