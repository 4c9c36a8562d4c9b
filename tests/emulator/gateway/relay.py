# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One session: its two ends, the frames between them, and the way to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from ..frame_faults import FrameFault
from ..messages import Message
from ..services.ssm.sessions.store import Session
from ..world import World
from .frames import (
    FROM_AGENT,
    FROM_CLIENT,
    BreachError,
    channel_closed,
    interactive_shell,
    oversize,
    read_json,
    read_message,
)
from .journal import FrameJournal
from .outlet import Outlet
from .sockets import Socket

Side = Literal["client", "agent"]
OTHER: dict[Side, Side] = {"client": "agent", "agent": "client"}
# A session is reported as ended on both channels of its node. How long the second report may take, in seconds.
GRACE = 2.0
IDLE_MINUTES = 20
# Recorded: amazon-ssm-agent 261.
IDLE_TEXT = "Your session timed out due to inactivity and has been terminated."
DURATION_TEXT = "Your session has reached its maximum duration and has been terminated."
# The service closes sockets so (recorded: session-manager-plugin 135).
BYE = b"Bye"


class Relay:
    """The channels of one session, which set the session's status.

    ``control`` is the outlet of the node's control channel. ``violated`` takes the text of a contract violation, and
    ``match`` returns the fault for a frame.
    """

    def __init__(
        self,
        world: World,
        session: Session,
        content: Mapping[str, Any],
        control: Outlet,
        journal: FrameJournal,
        match: Callable[[str, Mapping[str, Any]], FrameFault | None],
        violated: Callable[[str], None],
    ) -> None:
        self.session = session
        # The token of the agent's end, from CreateDataChannel.
        self.agent_token: str | None = None
        self._world = world
        self._control = control
        self._journal = journal
        self._match = match
        self._violated = violated
        self._ends: dict[Side, Outlet] = {side: Outlet(world.limit("session_bytes_per_second")) for side in OTHER}
        inputs = content.get("inputs", {})
        self._encrypted = bool(inputs.get("kmsKeyId"))
        self._idle_after = world.limit("session_idle_seconds") or _minutes(inputs, "idleSessionTimeout", IDLE_MINUTES)
        self._ends_after = world.limit("session_duration_seconds") or _minutes(inputs, "maxSessionDuration", 0)
        self._began = self._active = _now()
        self._client_came = False
        self._silent = False
        # What the client is told at the end, if the service has begun it.
        self._text = ""
        # When the service told the agent to end, and when the first report of the end came. Then the reports: whether
        # the agent said Terminating, and the status and the output of its completed task.
        self._told: float | None = None
        self._reported: float | None = None
        self._completed: tuple[str, str] | None = None
        self._agent_done = False
        self._resumes: list[asyncio.TimerHandle] = []

    @property
    def has_ended(self) -> bool:
        return self.session.has_ended

    @property
    def is_over(self) -> bool:
        """Whether the session has ended and nothing waits for its client."""
        return self.has_ended and self._ends["client"].has_nothing

    def begin(self, content: Mapping[str, Any], run_as: str) -> None:
        """Ask the node for the session."""
        self._send("control", interactive_shell(self.session, content, run_as))

    # --- the two ends -----------------------------------------------------------------------------------------------

    async def serve(self, side: Side, socket: Socket) -> None:
        """Read one end until its socket has ended."""
        self._join(side, socket)
        try:
            while (frame := await socket.read()) is not None:
                self.receive(side, frame)
                await self._ends[OTHER[side]].room()
        finally:
            self._leave(side, socket)

    def _join(self, side: Side, socket: Socket) -> None:
        self._ends[side].attach(socket)
        self._active = _now()
        if side == "client":
            self._client_came = True
            if self.session.status in ("Connecting", "Disconnected"):
                self.session.status = "Connected"
        if self.has_ended:
            return
        if self._ends[OTHER[side]].is_open:
            self._send("agent", Message("start_publication"))
            self._send("client", Message("start_publication"))
        elif side == "agent" and self._client_came:
            self._send("agent", Message("pause_publication"))
        if side == "agent" and self._told is not None:
            self._send("agent", self._channel_closed())

    def _leave(self, side: Side, socket: Socket) -> None:
        if not self._ends[side].detach(socket):
            return
        if side == "client" and self.session.status == "Connected":
            self.session.status = "Disconnected"
        if self.has_ended:
            return
        if self._ends[OTHER[side]].is_open and not self._agent_done:
            self._send(OTHER[side], Message("pause_publication"))
        if side == "agent":
            self._end_if_reported()

    # --- frames -----------------------------------------------------------------------------------------------------

    def receive(self, side: Side, frame: str | bytes) -> None:
        """Handle one frame of an end, after the first one."""
        try:
            message = read_message(frame, FROM_CLIENT if side == "client" else FROM_AGENT)
            if message.type == "agent_session_state":
                self._agent_state(message)
                return
        except BreachError as error:
            self._refuse(side, str(error), len(frame))
            return
        if message.type == "input_stream_data" or (
            message.type == "output_stream_data" and self._world.switch("session_activity") == "input_and_output"
        ):
            self._active = _now()
        if side == "client" and (text := oversize(message, self._encrypted)):
            self._violated(f"client of a session: {text}")
        assert isinstance(frame, bytes)
        self._forward(side, OTHER[side], message, frame)

    def _refuse(self, side: Side, text: str, size: int) -> None:
        self._journal.add(self.session.session_id, f"{side} to service", "refused", size=size, fault=text)
        self._violated(f"{side} of a session: {text}")

    def _send(self, receiver: Side | Literal["control"], message: Message) -> None:
        """Send a message of the service."""
        self._forward("service", receiver, message, message.encode())

    def _forward(self, sender: str, receiver: Side | Literal["control"], message: Message, frame: bytes) -> None:
        to = "agent" if receiver == "control" else receiver
        fault = self._fault(sender, message)
        done = fault.kind if fault is not None else None
        if self._silent or (sender != "service" and self.has_ended):
            done = "silence" if self._silent else "the session has ended"
        elif not self._put(self._control if receiver == "control" else self._ends[receiver], frame, fault):
            done = "no room"
        self._record(f"{sender} to {to}", message, done)
        if fault is not None:
            self.disturb(fault.do)

    def _put(self, outlet: Outlet, frame: bytes, fault: FrameFault | None) -> bool:
        """Put a frame into an outlet as a fault has it. Return whether there was room."""
        do = fault.do if fault is not None else {}
        if "drop" in do:
            return True
        if "reorder" in do:
            outlet.hold(frame)
            return True
        if "damage" in do:
            frame = _damaged(frame)
        if "double" in do:
            outlet.put(frame)
        return outlet.put(frame, do.get("delay", 0.0))

    def _fault(self, sender: str, message: Message) -> FrameFault | None:
        if not self._world.faults.rules:
            return None
        return self._match(
            message.type,
            {
                "from": sender,
                "payload_type": message.payload_type,
                "sequence": message.sequence,
                "session": self.session.session_id,
                "target": self.session.target,
            },
        )

    def _record(self, direction: str, message: Message, fault: str | None) -> None:
        self._journal.add(
            self.session.session_id,
            direction,
            message.type,
            sequence=message.sequence,
            payload_type=message.payload_type,
            size=len(message.payload),
            fault=fault,
        )

    def _to_service(self, message: Message) -> bool:
        """Record a message that is for the service. Return whether a fault lost it."""
        fault = self._fault("agent", message)
        self._record("agent to service", message, fault.kind if fault is not None else None)
        if fault is not None:
            self.disturb(fault.do)
        return fault is not None and "drop" in fault.do

    # --- the end ----------------------------------------------------------------------------------------------------

    def _agent_state(self, message: Message) -> None:
        state = read_json(message).get("SessionState")
        if state not in ("Connected", "Terminating"):
            raise BreachError(f"agent_session_state: a SessionState of {state!r}")
        if self._to_service(message) or state != "Terminating" or self.has_ended:
            return
        self._agent_done = True
        self.session.status = "Terminating"
        self._end_if_reported()

    def complete(self, message: Message, said: Mapping[str, Any]) -> None:
        """Handle the agent's report, on its control channel, that the session's task is complete."""
        if self._to_service(message) or self.has_ended:
            return
        status = "Failed" if said.get("FinalTaskStatus") == "Failed" else "Terminated"
        self._completed = (status, str(said.get("Output") or ""))
        self._end_if_reported()

    def _end_if_reported(self) -> None:
        """End the session once both channels have reported its end, or the data channel cannot do so."""
        if self.has_ended or not (self._agent_done or self._completed is not None):
            return
        if self._completed is not None and (self._agent_done or not self._ends["agent"].is_open):
            self._end(*self._completed)
        elif self._reported is None:
            self._reported = _now()

    def terminate(self, text: str = "") -> None:
        """Tell the agent to end the session. ``text`` is what the client is told then."""
        if self.has_ended or self._told is not None:
            return
        self.session.status, self.session.token = "Terminating", None
        self._text, self._told = text, _now()
        if self._ends["agent"].is_open:
            self._send("agent", self._channel_closed())
        elif self._control.is_open:
            self._send("control", self._channel_closed())
        else:
            self._end("Terminated", text)

    def _channel_closed(self, output: str = "") -> Message:
        created = self._world.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return channel_closed(self.session, self._text or output, created)

    def _end(self, status: str, output: str) -> None:
        self.session.status, self.session.ended = status, self._world.now
        client = self._ends["client"]
        client.release()
        self._send("client", self._channel_closed(output))
        if not self._silent:
            client.put(None)
            self._ends["agent"].put(None)

    def check_time(self, now: float) -> None:
        """End the session if it is idle or has lasted long enough, or if a report of its end is overdue."""
        if self.has_ended:
            return
        if self._reported is not None and now - self._reported >= GRACE:
            self._end(*(self._completed or ("Terminated", "")))
        elif self._told is not None:
            if now - self._told >= self._world.limit("session_terminating_seconds"):
                self._end("Terminated", self._text)
        elif self._idle_after and now - self._active >= self._idle_after:
            self.terminate(IDLE_TEXT)
        elif self._ends_after and now - self._began >= self._ends_after:
            self.terminate(DURATION_TEXT)

    # --- disturbances -----------------------------------------------------------------------------------------------

    def disturb(self, do: Mapping[str, Any]) -> None:
        """Apply the effects on channels, of ``CHANNEL_EFFECTS``; other effects are ignored."""
        if "cut" in do:
            self._ends[do["cut"]].cut()
        if "close" in do:
            self._ends[do["close"]].close(1000, BYE)
        if "silence" in do:
            self._silent = True
        if "end" in do:
            self.terminate()
        if "pause" in do:
            self._pause(do["pause"])

    def _pause(self, seconds: float) -> None:
        """Tell the agent that nobody listens, and after a time that somebody does."""
        outlet = self._ends["agent"]
        if outlet.is_open:
            self._send("agent", Message("pause_publication"))
            self._resumes.append(asyncio.get_running_loop().call_later(seconds, self._start_again))

    def _start_again(self) -> None:
        if self._ends["agent"].is_open and self._ends["client"].is_open and not self.has_ended:
            self._send("agent", Message("start_publication"))

    async def stop(self) -> None:
        """Cut both ends."""
        for timer in self._resumes:
            timer.cancel()
        for outlet in self._ends.values():
            await outlet.stop()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _minutes(inputs: Mapping[str, Any], name: str, default: int) -> float:
    """Return an input of a document in seconds. Its value is a number of minutes, as a string."""
    return 60.0 * float(inputs.get(name) or default)


_DIGEST = 80


def _damaged(frame: bytes) -> bytes:
    """Return a frame with one bit of its payload changed, or of its digest if it has no payload."""
    place = -1 if len(frame) > 120 else _DIGEST
    changed = bytearray(frame)
    changed[place] ^= 1
    return bytes(changed)
