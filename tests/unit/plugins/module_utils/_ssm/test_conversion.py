# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test the conversion of API shapes to results."""

from __future__ import annotations

import datetime
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.sessionops.aws.plugins.module_utils._ssm import conversion
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["InstanceId", "IPAddress", "S3OutputUrl", "iamRole", "tag-key", "Name", "LastPingDateTime"])
VALUES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
)


@given(st.dictionaries(NAMES, VALUES))
def test_keys_are_named_as_modules_of_ansible_name_them(shape: dict[str, Any]) -> None:
    assert conversion.resource(shape) == camel_dict_to_snake_dict(shape)


def test_tags_and_times_and_what_is_about_the_reply() -> None:
    moment = datetime.datetime(2026, 1, 31, 10, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    shape = {
        "Tags": [{"Key": "CostCenter", "Value": "x"}, {"Key": "empty"}],
        "Parts": [{"StartDate": moment}],
        "ResponseMetadata": {"RetryAttempts": 0},
    }
    assert conversion.resource(shape) == {
        "tags": {"CostCenter": "x", "empty": ""},
        "parts": [{"start_date": "2026-01-31T09:30:00Z"}],
    }
