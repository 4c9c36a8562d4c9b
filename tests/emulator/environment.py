# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The environment in which a program sees the emulator, and cannot reach AWS by mistake."""

from __future__ import annotations

from collections.abc import Mapping

from .world import World

# Variables of the AWS SDKs, and of amazon.aws, which reads some that have other names.
LEAKS = ("AWS_", "BOTO_", "EC2_", "S3_URL")


def variables(url: str, world: World) -> dict[str, str]:
    """What a client has to be told."""
    identity = world.default_identity
    region = world.regions[0]
    found = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": identity.access_key,
        "AWS_SECRET_ACCESS_KEY": identity.secret_key,
        # boto3 reads the one and amazon.aws the other.
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A user's own files may say that configured endpoints are to be ignored.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        # What the control routes require; see server.py.
        "EMULATOR_TOKEN": world.token,
    }
    if identity.session_token is not None:
        found["AWS_SESSION_TOKEN"] = identity.session_token
    return found


def clean(base: Mapping[str, str], url: str, world: World) -> dict[str, str]:
    """A whole environment, with nothing of the user's own AWS settings left."""
    kept = {name: value for name, value in base.items() if not name.startswith(LEAKS)}
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, (kept.get(name), "127.0.0.1", "localhost")))
    return {**kept, **variables(url, world)}
