# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The message gateway: the service side of ``ssmmessages``, which connects clients and agents.

Two kinds of WebSockets lead to it.

- A *control channel* belongs to a node. Its agent keeps it open; the node is ``connected`` only as long as it is. The
  gateway asks on it for a session (``interactive_shell``), and the agent reports there that it has ended
  (``agent_task_complete``).
- A *data channel* belongs to a session. It has two ends, one opened by the client and one by the agent. The gateway
  forwards the messages of each to the other, byte for byte, and never acknowledges, repeats or reorders one itself.
  Reliability is the business of the two ends.

An agent signs its requests, as for any other service of AWS. It exchanges each signed POST for a token, which the first
frame of its socket must repeat. A client has its token from StartSession or ResumeSession, and signs nothing. A newer
token makes the older one invalid.

A session goes through these steps:

1. StartSession adds it, and sends ``interactive_shell`` to its node.
2. The agent opens its end, and the client opens its own, in any order. Frames for an end that is not open wait. Each
   side hears ``start_publication`` when both are there, and ``pause_publication`` when the other one has left.
3. The agent says ``Terminating`` on the data channel, and then ``agent_task_complete`` on the control channel. Once all
   that it sent before was forwarded, the client gets ``channel_closed``.

TerminateSession, an idle client and the maximum duration begin the end from the other side: the agent gets
``channel_closed``, and step 3 follows. If it does not, the session ends after ``session_terminating_seconds``.

The two sockets of a session are independent: whatever happens to one of them, the gateway leaves the other one open. A
socket that ends without ``channel_closed`` is not the end of a session, because both sides may come back.

What a client or an agent must never send is reported as a contract violation, and fails the run. ``frames.py`` has the
list. Everything else that may go wrong on a line can be chosen: see ``frame_faults.py`` of the emulator.

| module | what it has |
|---|---|
| ``part.py`` | ``Gateway``: the routes, and the times at which sessions end |
| ``hub.py`` | all channels: the control channel of each node, and the relay of each session |
| ``relay.py`` | one session: its two ends, its steps, the faults |
| ``outlet.py`` | one end: the open socket, and the frames that wait for it |
| ``sockets.py`` | a WebSocket that is read, written, closed and cut |
| ``frames.py`` | the messages of the service, and what the others may send |
| ``access.py`` | the signatures of agents, and the replies to their POSTs |
| ``journal.py`` | which frames there were |
| ``idle_agent.py`` | the calls that an agent makes apart from sessions |

Sources: the protocol as the client and the agent implement it (https://github.com/aws/session-manager-plugin,
https://github.com/aws/amazon-ssm-agent). FIDELITY.md says what is known of the service itself.
"""

from .part import Gateway

__all__ = ["Gateway"]
