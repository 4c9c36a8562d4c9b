# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules for the frames of sessions: lose, change or delay them, and disturb the channels that they travel on.

A rule is an entry of a world's ``faults``, as in ``faults.py``. For example, this one loses every 100th message of a
client: ``{"op": "frame:input_stream_data", "every_frames": 100, "do": {"drop": true}}``.

- ``op``: ``frame:`` and one of ``TYPES``. ``frame:*`` stands for the frames that are relayed between client and agent.
  ``frame:open`` is the first frame of a data channel, which has the token;
- ``match``: what must be equal, of ``MATCH_KEYS``. ``from`` is ``client``, ``agent`` or ``service``;
- ``after``: the number of matching frames to let through first;
- ``times``: how many frames are affected, or ``always``. The default is 1, and ``always`` for a rule that repeats;
- ``probability``: the chance of each matching frame, from the world's seed;
- ``every_frames``: only every Nth matching frame is affected;
- ``every_seconds``: the rule needs no frame. It disturbs each open session again after so many seconds. Its ``op`` is
  ``frame:*``, and ``match`` may name the session or the target;
- ``do``: one effect on the frame, of ``FRAME_EFFECTS``, or one on the channels, of ``CHANNEL_EFFECTS``. A ``delay`` in
  seconds may be combined with an effect on the channels, which comes at once.

A rule with a probability may never be applied, so it is not reported as unused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from .fault_rules import FaultError, Rule, check_count, read_common, refuse_unknown

PREFIX = "frame:"
ANY, OPEN = "*", "open"
# What ``frame:*`` stands for.
RELAYED = frozenset({"input_stream_data", "output_stream_data", "acknowledge"})
# What agents send to the service. It can be lost, and the channels can be disturbed because of it.
FOR_SERVICE = frozenset({"agent_session_state", "agent_task_complete"})
FROM_SERVICE = frozenset({"channel_closed", "interactive_shell", "pause_publication", "start_publication"})
TYPES = RELAYED | FOR_SERVICE | FROM_SERVICE | {ANY, OPEN}
RULE_KEYS = {"op", "match", "after", "times", "probability", "every_frames", "every_seconds", "do"}
MATCH_KEYS = {"from", "payload_type", "sequence", "session", "target"}


def _is_true(value: Any) -> bool:
    return value is True


def _is_side(value: Any) -> bool:
    return value in ("client", "agent")


def is_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


Check = Callable[[Any], bool]
FRAME_EFFECTS: dict[str, tuple[Check, str]] = {
    "drop": (_is_true, "true"),
    # Forward the frame twice.
    "double": (_is_true, "true"),
    # Change one bit of the payload, or of the digest if there is no payload.
    "damage": (_is_true, "true"),
    # Forward the frame after the next one of its direction.
    "reorder": (_is_true, "true"),
    # Frames behind it wait too, as they do on a slow line.
    "delay": (is_seconds, "a number of seconds"),
}
CHANNEL_EFFECTS: dict[str, tuple[Check, str]] = {
    # End the socket of one side without a word.
    "cut": (_is_side, "client or agent"),
    # Close the socket of one side with code 1000, as the service does about once an hour.
    "close": (_is_side, "client or agent"),
    # Relay nothing from now on, and keep the sockets open.
    "silence": (_is_true, "true"),
    # End the session as if somebody else had terminated it.
    "end": (_is_true, "true"),
    # Tell the agent for so many seconds that nobody listens.
    "pause": (is_seconds, "a number of seconds"),
}
# Close a data channel as if its token were wrong.
REFUSE = "refuse"


@dataclasses.dataclass
class FrameFault(Rule):
    """One rule for frames."""

    probability: float | None = None
    every_frames: int | None = None
    every_seconds: float | None = None

    @property
    def unused(self) -> bool:
        return self.probability is None and super().unused

    def matches(self, frame_type: str, params: Mapping[str, Any], chance: Callable[[], float]) -> bool:
        """Return whether the rule affects this frame, and count the frame if its conditions are met."""
        wanted = self.op.removeprefix(PREFIX)
        if self.used_up or self.every_seconds is not None:
            return False
        if wanted != frame_type and not (wanted == ANY and frame_type in RELAYED):
            return False
        if not self.fits(params):
            return False
        self.seen += 1
        return self.seen > self.after and self._is_its_turn(chance)

    def _is_its_turn(self, chance: Callable[[], float]) -> bool:
        if self.every_frames is not None:
            return (self.seen - self.after) % self.every_frames == 0
        return self.probability is None or chance() < self.probability


def is_frame_rule(rule: Mapping[str, Any]) -> bool:
    return isinstance(rule.get("op"), str) and rule["op"].startswith(PREFIX)


def make_frame_fault(rule: Mapping[str, Any]) -> FrameFault:
    """Create a fault from a rule. Raises ``FaultError`` if it is not valid."""
    frame_type = rule["op"].removeprefix(PREFIX)
    if frame_type not in TYPES:
        raise FaultError(
            f"op of a fault for frames must be {PREFIX} and one of {', '.join(sorted(TYPES))}: {rule['op']!r}"
        )
    repeats = [key for key in ("probability", "every_frames", "every_seconds") if rule.get(key) is not None]
    if len(repeats) > 1:
        raise FaultError(f"a fault can have only one of {', '.join(repeats)}")
    common = read_common(rule, RULE_KEYS, "always" if repeats else 1)
    refuse_unknown(common["match"], MATCH_KEYS, "match of a fault for frames")
    check_count(rule, "every_frames", 1)
    _check_probability(rule.get("probability"))
    do = _check_do(rule.get("do"), frame_type)
    if rule.get("every_seconds") is not None:
        _check_timed(rule, frame_type, do)
    return FrameFault(**common, do=do, **{key: rule[key] for key in repeats})


def _check_probability(value: Any) -> None:
    if value is not None and not (is_seconds(value) and value <= 1):
        raise FaultError(f"probability of a fault must be a number above 0 and at most 1: {value!r}")


def _check_timed(rule: Mapping[str, Any], frame_type: str, do: Mapping[str, Any]) -> None:
    if not is_seconds(rule["every_seconds"]):
        raise FaultError(f"every_seconds of a fault must be a number of seconds: {rule['every_seconds']!r}")
    if frame_type != ANY or not set(do) <= set(CHANNEL_EFFECTS):
        raise FaultError(f"a fault with every_seconds needs op frame:* and one of {', '.join(CHANNEL_EFFECTS)}")
    refuse_unknown(rule.get("match") or {}, {"session", "target"}, "match of a fault with every_seconds")
    if rule.get("after"):
        raise FaultError("a fault with every_seconds needs no frame, so it cannot have after")


def _check_do(do: Any, frame_type: str) -> dict[str, Any]:
    allowed = CHANNEL_EFFECTS | FRAME_EFFECTS
    if frame_type in FOR_SERVICE:
        allowed = {**CHANNEL_EFFECTS, "drop": FRAME_EFFECTS["drop"]}
    elif frame_type in FROM_SERVICE:
        # What makes the service send a frame cannot be an effect on such a frame.
        allowed = {**FRAME_EFFECTS, **{name: CHANNEL_EFFECTS[name] for name in ("cut", "close", "silence")}}
    elif frame_type == OPEN:
        allowed = {REFUSE: (_is_true, "true")}
    return check_effects(do, allowed, f"do of a fault on {PREFIX}{frame_type}")


def check_effects(do: Any, allowed: Mapping[str, tuple[Check, str]], what: str) -> dict[str, Any]:
    """Return ``do``: one of the allowed effects, or a delay and an effect on the channels. Raises ``FaultError``."""
    if not isinstance(do, dict):
        raise FaultError(f"{what} must be a mapping: {do!r}")
    refuse_unknown(do, allowed, what)
    if len(do) != 1 and not (len(do) == 2 and "delay" in do and set(do) & set(CHANNEL_EFFECTS)):
        raise FaultError(f"{what} must have one of {', '.join(allowed)}: {do!r}")
    for key, value in do.items():
        is_valid, wanted = allowed[key]
        if not is_valid(value):
            raise FaultError(f"{key} of a fault must be {wanted}: {value!r}")
    return do
