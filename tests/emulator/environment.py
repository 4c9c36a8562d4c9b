# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environment variables that direct a program to the emulator, and keep it from calling AWS by mistake."""

from __future__ import annotations

from collections.abc import Mapping

from .world import World

# Prefixes of the variables that the AWS SDKs read, and of the further ones that amazon.aws reads.
LEAKS = ("AWS_", "BOTO_", "EC2_", "S3_URL")


def variables(url: str, world: World) -> dict[str, str]:
    """Return the variables that a client needs: ``{"AWS_ENDPOINT_URL": "http://127.0.0.1:40000", ...}``."""
    identity = world.default_identity
    region = world.regions[0]
    found = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": identity.access_key,
        "AWS_SECRET_ACCESS_KEY": identity.secret_key,
        # boto3 reads the first one, amazon.aws the second.
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # The user's own files could make clients ignore configured endpoints.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        # The control routes require it; see server.py.
        "EMULATOR_TOKEN": world.token,
    }
    if identity.session_token is not None:
        found["AWS_SESSION_TOKEN"] = identity.session_token
    return found


def clean(base: Mapping[str, str], url: str, world: World) -> dict[str, str]:
    """Return ``base`` without the user's own AWS settings, and with ``variables()`` in their place."""
    kept = {name: value for name, value in base.items() if not name.startswith(LEAKS)}
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), "127.0.0.1", "localhost")))
    return {**kept, **variables(url, world)}
