# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""Write content for a diff: YAML with sorted keys, and scripts line by line."""

from __future__ import annotations

import functools
import json
from typing import Any

from . import content, content_reader

try:
    import yaml
except ImportError:
    pass  # content_reader.HAS_YAML is then False

# The YAML tag of a script whose lines end with CRLF.
_CRLF = "!crlf"


def lines(text: str, document_format: str) -> str:
    """Return content as lines that differ only where its meaning does.

    Content of the format TEXT, and content that cannot be parsed, is returned as it is.
    """
    value = content.parse(text, document_format)
    if value is None:
        return text
    if not content_reader.HAS_YAML:
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return str(yaml.dump(value, Dumper=_dumper_class(), sort_keys=True, allow_unicode=True, width=float("inf")))


def _is_shown_as_lines(text: str) -> bool:
    return "\n" in text and all(one in "\n\t" or one.isprintable() for one in text)


@functools.cache
def _dumper_class() -> Any:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

        def analyze_scalar(self, scalar: str) -> Any:
            analysis = super().analyze_scalar(scalar)
            # PyYAML quotes a whole script if it has a tab, or a space at the end of a line.
            analysis.allow_block = _is_shown_as_lines(scalar)
            return analysis

        def represent_text(self, text: str) -> Any:
            unix = text.replace("\r\n", "\n")
            if "\r" in text and _is_shown_as_lines(unix) and unix.replace("\n", "\r\n") == text:
                return self.represent_scalar(_CRLF, unix, style="|")
            style = "|" if _is_shown_as_lines(text) else None if text.isprintable() else '"'
            return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, Dumper.represent_text)
    return Dumper
