# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""How a session with a node works.

``StartSession`` returns the URL of a WebSocket and a token. Behind the WebSocket is the *data channel*: a relay of
Session Manager between the client and the SSM Agent on the node. AWS does not document its protocol. The sources are
the code of the client (https://github.com/aws/session-manager-plugin) and of the agent
(https://github.com/aws/amazon-ssm-agent), and what was observed of an agent.

The layers, from the wire up. The first five have no socket, clock or thread in them: they take bytes and the time as
arguments, and return what to do. Only the helper is a program, which runs on the node.

1. ``frames.py``: one binary WebSocket frame is one *message*: a header of 120 bytes, and a payload of at most 1024.
2. ``channel.py``: messages in order, in both directions. Each message is numbered and acknowledged on its own. Whoever
   sent it sends it again until then. Sequence numbers outlive the socket: after ``ResumeSession`` and a new socket,
   both sides go on where they were.
3. ``handshake.py``: the first messages of some sessions, in which the agent says what kind of session it is, and
   whether it encrypts. ``encryption.py`` encrypts with a data key of AWS KMS.
4. ``lines.py``: jobs on the node. The command of the session starts a Python on the node, which prints a marker and
   takes ``helper.py`` over its input. Requests are blocks with numbers and checksums. Answers are lines of ASCII.
5. ``shell_loop.py``: commands on a node without Python, one after the other.

6. ``stream.py``: the WebSocket, over a socket with TLS, and through a proxy.
7. ``link.py``: one running session. It waits, resumes the session if the socket is lost, and ends it.
8. ``session.py``: the session with the helper in it. It carries the requests and answers of jobs.

A worker of Ansible lives for one task. So another process, the *holder*, holds the sessions of all hosts from task to
task. A worker connects to it over a Unix socket, and its requests and answers travel through the holder.

9. ``jobs.py``: what the connection plugin uses: commands with input and output, and files, as jobs side by side. It
   runs in the worker. ``payload.py`` takes modules apart, so that what the node has from other modules is not sent
   again.
10. ``remote.py``: the worker's end of the socket, with the messages of ``wire.py``. ``folder.py`` is where it is.
11. ``caller.py``: a worker, as the holder sees it.
12. ``kept.py``: one session with all its callers, in a thread of the holder.
13. ``holder.py``: all sessions. ``controller.py`` tells the end of the process that they are for.

What a client must know of the agent:

- An acknowledgement means that the agent wrote the payload to the terminal of the session. If the program on the node
  does not read, the agent blocks, and reads nothing else, not even the end of the session.
- If the agent's socket is closed while it acknowledges, it writes one message twice. So whatever must be exact needs
  numbers of its own in the payload.
- Input before the handshake is complete is acknowledged and lost.
- Output is not binary: the agent drops invalid UTF-8 at the end of the output.
- Close code 1000 of the socket is not the end of a session. Session Manager closes sockets about hourly. The end is the
  message ``channel_closed``, or a ``ResumeSession`` without a token.
"""
