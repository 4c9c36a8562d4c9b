# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A node: the agent's side of Session Manager, in a process of its own that runs real commands.

``python -B -m emulator.node`` reads its settings as one line of JSON from stdin, because they contain keys. While its
stdin is open, it keeps a control channel to the gateway and runs the sessions that the gateway pushes. When stdin ends,
it kills what runs on it and exits, so an emulator that is killed leaves no node behind. ``part.py`` starts one such
process for every node of a world that has ``agent``.

It is written from the source of amazon-ssm-agent, and keeps that program's defects, because clients must live with
them:

- An input message is acknowledged after it was written to the terminal. If the acknowledgement cannot be sent because
  the socket broke, the message is not counted, and is written again when the client resends it.
- The thread that reads the socket writes to the terminal itself. While a program does not read its input, the thread is
  blocked, and the session reads nothing more: no acknowledgements and no ``channel_closed``. Other sessions go on.
- Output goes through a check of its UTF-8 that loses bytes of binary data (``output.py``).
- Only the oldest message is resent, one every 100 ms.
- Input that arrives before the handshake is complete is acknowledged and discarded.

How the modules fit together:

- ``control.py`` keeps the control channel open. ``agent.py`` starts and ends the sessions that it names.
- ``session.py`` runs one session from its data channel to its end. ``content.py`` reads what was pushed.
- ``stream.py`` is the data channel: sequence numbers, acknowledgements, resending, reconnecting. ``handshake.py`` is
  the exchange before the first output.
- ``terminal.py`` and ``commands.py`` run the two kinds of programs; ``programs.py`` starts them.
- ``service.py`` calls the gateway, ``signing.py`` signs, and ``websocket.py`` is one socket.

Like the agent, it has threads and blocking sockets. Each session has three: one runs the program and sends its output,
one reads the socket, and one resends and pings.
"""
