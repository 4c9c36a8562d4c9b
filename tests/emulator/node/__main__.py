# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run one node: ``python -B -m emulator.node``, with its settings as the first line of stdin.

It prints ``joined`` each time that its control channel is open. It exits when stdin ends, or on SIGTERM.
"""

from __future__ import annotations

import os
import select
import signal
import sys

from ..family import adopt_orphans
from ..world_values import WorldError
from .agent import Agent
from .programs import end_all, wait_for_orphans
from .settings import Settings

USAGE = 64


def main() -> int:
    # An agent is started by a service manager, so what runs on its node ignores no signal that somebody here ignores.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signals = _signals_as_file()
    try:
        settings = Settings.parse(sys.stdin.readline())
    except WorldError as error:
        print(f"emulator.node: {error}", file=sys.stderr)
        return USAGE
    adopt_orphans()
    Agent(settings, _say_joined).start()
    _serve(signals)
    end_all()
    return 0


def _say_joined() -> None:
    # A write of its own, because stdout may be closed, and the node ends by its stdin then.
    try:
        os.write(1, b"joined\n")
    except OSError:
        return


def _signals_as_file() -> int:
    """Return a file from which the numbers of the signals SIGTERM and SIGCHLD can be read."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda unused_number, unused_frame: None)
    return read_end


def _serve(signals: int) -> None:
    """Return when stdin has ended, or after SIGTERM."""
    while True:
        ready, unused, unused_too = select.select([0, signals], [], [])
        if signals in ready:
            if signal.SIGTERM in os.read(signals, 4096):
                return
            wait_for_orphans()
        if 0 in ready and not os.read(0, 4096):
            return


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Threads that are blocked must not hold up the exit.
    os._exit(status)
