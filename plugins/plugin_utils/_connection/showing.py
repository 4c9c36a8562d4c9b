# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Show the user what a session, or the process that holds it, says."""

from __future__ import annotations

from ansible.utils.display import Display

_display = Display()


def show(host: str, verbosity: int, text: str) -> None:
    """Show a line of text from a verbosity on; 0 is a warning. ``host`` is empty if it is about no host."""
    if verbosity:
        _display.verbose(text, host=host or None, caplevel=verbosity - 1)
    else:
        _display.warning(f"{host}: {text}" if host else text)
