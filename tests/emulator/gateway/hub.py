# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All channels: the control channel of each node, and the relay of each session."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Iterator, Mapping
from typing import Any

from ..frame_faults import FrameFault
from ..messages import Message
from ..services.ssm.nodes.store import Nodes
from ..services.ssm.sessions.store import Session, new_token
from ..world import World
from . import frames
from .frames import BreachError
from .journal import FrameJournal
from .outlet import Outlet
from .relay import Relay
from .sockets import Socket


@dataclasses.dataclass
class Control:
    """The control channel of one node, whether open or not."""

    outlet: Outlet = dataclasses.field(default_factory=Outlet)
    # The token from CreateControlChannel that opens it.
    token: str | None = None


class Hub:
    """The channels of a world. It is what the operations on sessions need of the gateway (``Channels``).

    ``violations`` gets the contract violations.
    """

    def __init__(self, world: World, violations: list[str]) -> None:
        self.world = world
        self.journal = FrameJournal()
        self._violations = violations
        # Not the world's own generator, so that the number of frames does not change the IDs of sessions.
        self._chance = random.Random(f"frame faults {world.seed}").random
        self._controls: dict[tuple[str, str], Control] = {}
        self._relays: dict[str, Relay] = {}
        # When each rule with every_seconds was last applied to a session.
        self._applied: list[tuple[FrameFault, dict[str, float]]] = []

    def violated(self, text: str) -> None:
        """Report a contract violation, once."""
        text = f"ssmmessages: {text}"
        if text not in self._violations:
            self._violations.append(text)

    # --- what the operations on sessions need -----------------------------------------------------------------------

    def is_open(self, region: str, target: str) -> bool:
        return self.control(region, target).outlet.is_open

    def begin(self, region: str, session: Session, content: Mapping[str, Any], run_as: str) -> None:
        control = self.control(region, session.target).outlet
        relay = Relay(self.world, session, content, control, self.journal, self.match, self.violated)
        self._relays[session.session_id] = relay
        relay.begin(content, run_as)

    def terminate(self, session: Session) -> None:
        self._relays[session.session_id].terminate()

    # --- channels ---------------------------------------------------------------------------------------------------

    def control(self, region: str, node: str) -> Control:
        """Return the control channel of a node."""
        return self._controls.setdefault((region, node), Control())

    def relay(self, session_id: str) -> Relay | None:
        """Return the relay of a session, or None if the gateway does not serve it."""
        return self._relays.get(session_id)

    def live(self, session_id: str | None = None) -> Iterator[Relay]:
        """Yield the relays of the sessions that have not ended, or of one of them."""
        for relay in list(self._relays.values()):
            if not relay.has_ended and session_id in (None, relay.session.session_id):
                yield relay

    def create_token(self) -> str:
        """Return a token for an agent."""
        return new_token(random.SystemRandom())

    def match(self, frame_type: str, params: Mapping[str, Any]) -> FrameFault | None:
        """Return the first rule that affects a frame, and count it as fired; None if no rule does."""
        for rule in self.world.faults.for_frames():
            if rule.matches(frame_type, params, self._chance):
                rule.fired += 1
                return rule
        return None

    async def serve_control(self, region: str, node: str, socket: Socket) -> None:
        """Read a control channel until its socket has ended. The node is connected until then."""
        nodes = self.world.state(region, Nodes)
        outlet = self.control(region, node).outlet
        outlet.attach(socket)
        nodes.set_status(node, "connected")
        try:
            while (frame := await socket.read()) is not None:
                self._receive(node, outlet, frame)
        finally:
            if outlet.detach(socket):
                nodes.set_status(node, "notconnected")

    def _receive(self, node: str, outlet: Outlet, frame: str | bytes) -> None:
        """Handle one frame of a control channel. The answers to Run Command and telemetry need nothing."""
        try:
            message = frames.read_message(frame)
            if message.type == "agent_task_complete":
                self._complete(node, outlet, message)
        except BreachError as error:
            self.violated(f"agent of {node}: {error}")

    def _complete(self, node: str, outlet: Outlet, message: Message) -> None:
        said = frames.read_json(message)
        task_id = said.get("TaskId")
        if not isinstance(task_id, str):
            raise BreachError("agent_task_complete: TaskId is missing")
        relay = self._relays.get(task_id)
        if relay is not None and relay.session.target == node:
            relay.complete(message, said)
        outlet.put(frames.task_acknowledged(message, task_id).encode())

    # --- time -------------------------------------------------------------------------------------------------------

    def check_time(self) -> None:
        """End the sessions whose time has come, and apply the rules that need no frame."""
        now = asyncio.get_running_loop().time()
        rules = [rule for rule in self.world.faults.for_frames() if rule.every_seconds is not None]
        for relay in self.live():
            relay.check_time(now)
            for rule in rules:
                self._apply(rule, relay, now)

    def _apply(self, rule: FrameFault, relay: Relay, now: float) -> None:
        """Apply a rule with every_seconds to a session, unless it is too early."""
        session = relay.session
        if relay.has_ended or rule.used_up:
            return
        if not rule.fits({"session": session.session_id, "target": session.target}):
            return
        times = next((times for known, times in self._applied if known is rule), None)
        if times is None:
            times = {}
            self._applied.append((rule, times))
        last = times.setdefault(session.session_id, now)
        if rule.every_seconds is not None and now - last >= rule.every_seconds:
            times[session.session_id] = now
            rule.fired += 1
            relay.disturb(rule.do)

    async def stop(self) -> None:
        """Cut every socket."""
        for relay in self._relays.values():
            await relay.stop()
        for control in self._controls.values():
            await control.outlet.stop()
