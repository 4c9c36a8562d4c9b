# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test that no message shows a password from the URL of an endpoint or a proxy."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import clients, errors, urls
from botocore.config import Config

KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
# No server listens on port 9.
URLS = [
    "{}@127.0.0.1:9",
    "http://{}@127.0.0.1:9",
    "//{}@127.0.0.1:9",
    "http:/{}@127.0.0.1:9",
    "http://{}@h:port",
    "{}@",
]
USERS = ["user:canary1canary2", "canary1canary2", "user:canary1/canary2", "user:canary1 @canary2"]
GIVEN = [url.format(user) for url in URLS for user in USERS]
VARIABLES = ("AWS_ENDPOINT_URL_SSM", "HTTPS_PROXY")


def call(endpoint: str | None, **options: Any) -> None:
    """Make a call that cannot reach any server."""
    connection = clients.Connection(endpoint, {**KEYS, **options})
    client = connection.client("ssm", "us-east-1", retries={"total_max_attempts": 1}, connect_timeout=2)
    with errors.attempting("list the documents", needs="ssm:ListDocuments"):
        client.list_documents()


def sentence(endpoint: str | None = None, **options: Any) -> str:
    with pytest.raises(errors.SSMError) as raised:
        call(endpoint, **options)
    return str(raised.value)


@pytest.mark.parametrize("url", GIVEN)
def test_no_sentence_has_the_user_of_an_endpoint_or_a_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    told = [sentence(url), sentence(aws_config=Config(proxies={"https": url}))]
    for variable in VARIABLES:
        with mock.patch.dict("os.environ", {variable: url}):
            told.append(sentence())
    assert [text for text in told if "canary" in text] == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:pw@proxy:3128", "http://proxy:3128"),
        ("user:pw@proxy:3128", "proxy:3128"),
        ("http://user:p/w@x@proxy", "http://proxy"),
        ("https://ssm.us-east-1.amazonaws.com/", "https://ssm.us-east-1.amazonaws.com/"),
    ],
)
def test_the_place_remains(url: str, shown: str) -> None:
    assert urls.without_user(url) == shown


@pytest.mark.parametrize(
    ("params", "environment", "found"),
    [
        ({}, {}, set()),
        ({"endpoint_url": None, "aws_config": None}, {"HTTPS_PROXY": "proxy:3128"}, set()),
        ({"endpoint_url": "https://user:p%40w@host"}, {}, {"p%40w", "p@w"}),
        ({"aws_endpoint_url": "https://token@host"}, {}, {"token"}),
        ({"aws_config": {"proxies": {"https": "user:pw@proxy"}}}, {}, {"pw"}),
        ({"aws_config": "{'proxies': {'https': 'http://user:pw@proxy'}}"}, {}, {"pw"}),
        ({"aws_config": {"proxies": "user:pw@proxy"}}, {}, {"pw"}),
        ({}, {"https_proxy": "user:a", "http_proxy": "user:b@proxy", "AWS_URL": "http://user:c@host"}, {"b", "c"}),
        ({}, {"AWS_ENDPOINT_URL_SSM": "http://user:d@host", "MAIL": "user:e@host"}, {"d"}),
    ],
)
def test_passwords_are_found(params: dict[str, Any], environment: dict[str, str], found: set[str]) -> None:
    assert urls.passwords(params, environment) == found
