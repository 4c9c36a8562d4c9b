# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

# This file is private to the sessionops.aws collection and may change without notice.
# Do not import it from outside the collection.

"""User names and passwords in the URLs of endpoints and proxies.

A URL may lack its scheme, as in ``user:password@proxy:3128``, and a password may have any character unescaped, even
``@``. So user name and password end at the last ``@``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
# Matches what may be a URL with a user name, in a dictionary that is given as text.
_IN_TEXT = re.compile(r"[^\s\"'{},=]+@[^\s\"'{},=]*")


def without_user(url: str) -> str:
    """Return the URL without its user name and password: ``http://proxy:3128`` for ``http://user:pw@proxy:3128``."""
    return _USER.sub(r"\1", url)


def passwords(params: Mapping[str, Any], environment: Mapping[str, str]) -> set[str]:
    """Return the passwords in the URLs of a module's raw parameters and of the environment.

    A user name without a password is included, because it can be a token.
    """
    return {form for url in _urls(params, environment) for form in _password(url)}


def _urls(params: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    yield from (str(params.get(name) or "") for name in ("endpoint_url", "aws_endpoint_url"))
    config = params.get("aws_config") or {}
    if isinstance(config, Mapping):
        proxies = config.get("proxies") or {}
        yield from map(str, proxies.values()) if isinstance(proxies, Mapping) else [str(proxies)]
    else:
        yield from _IN_TEXT.findall(str(config))
    for name, value in environment.items():
        if name.startswith(("AWS_ENDPOINT_URL", "AWS_URL")) or name.upper().endswith("_PROXY"):
            yield value


def _password(url: str) -> set[str]:
    """Return the password as it is in the URL, and without its percent-encoding; an empty set if there is none."""
    user, has_user, unused = _SCHEME.sub("", url).rpartition("@")
    name, colon, password = user.partition(":")
    secret = password if colon else name
    return {secret, unquote(secret)} - {""} if has_user else set()
