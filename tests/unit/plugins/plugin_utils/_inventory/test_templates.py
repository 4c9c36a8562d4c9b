# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Test options of the inventory that are templates, or lists of templates."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from ansible.errors import AnsibleParserError
from ansible.utils.display import Display

from emulator.testing import LocalAWS
from unit.support.inventory_source import Source

EAST, TEST, WEST = "i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002", "i-0a1b2c3d4e5f60003"
WORLD: dict[str, Any] = {
    "regions": {
        "us-east-1": {"nodes": [{"id": EAST, "status": "connected"}, {"id": TEST, "status": "notconnected"}]},
        "eu-west-1": {"nodes": [{"id": WEST, "status": "connected"}]},
    }
}
ALL, BOTH = [EAST, TEST, WEST], {"FLEET": "us-east-1,eu-west-1", "IDS": f"{EAST},{TEST}"}
FLEET = "lookup('ansible.builtin.env', 'FLEET')"
IDS = "lookup('ansible.builtin.env', 'IDS')"
# The value of another environment variable, which no message may show.
CANARY = "canary-4711"


def hosts(env: dict[str, str] | None = None, extra: dict[str, Any] | None = None, **options: Any) -> list[str]:
    """Return the hosts of an inventory file with ``options``, with the extra variables ``extra``."""
    with LocalAWS(WORLD) as aws, mock.patch("ansible.plugins.inventory.load_extra_vars", return_value=extra or {}):
        return list(Source(aws, **options).parse(env={**BOTH, "SECRET": CANARY, **(env or {})}).hosts)


@pytest.mark.parametrize(
    "regions",
    [
        f"{{{{ {FLEET} | split(',') }}}}",
        f"{{{{ {FLEET}.split(',') }}}}",
        f"{{{{ {FLEET} }}}}",
        "{{ ['us-east-1', 'eu-west-1'] }}",
        "{{ ('us-east-1', 'eu-west-1') | list }}",
        "us-east-1, {{ 'eu-' ~ 'west-1' }}",
        "{% if true %}us-east-1,eu-west-1{% endif %}",
        [f"{{{{ {FLEET} | split(',') }}}}"],
        [f"{{{{ {FLEET} }}}}"],
        ["us-east-1", "{{ ['eu-west-1', 'us-east-1'] }}"],
    ],
)
def test_regions_may_come_from_one_template(regions: Any) -> None:
    assert hosts(regions=regions) == ALL


def test_extra_variables_are_known_to_templates() -> None:
    extra = {"fleet": ["us-east-1", "eu-west-1"], "where": "eu-west-1", "ids": [WEST]}
    assert hosts(regions="{{ fleet }}", extra=extra) == ALL
    assert hosts(region="{{ where }}", extra=extra) == [WEST]
    assert hosts(aws_region="{{ where }}", extra=extra) == [WEST]
    assert hosts(regions=["{{ fleet }}"], filters={"InstanceIds": "{{ ids }}"}, extra=extra) == [WEST]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"filters": {"InstanceIds": f"{{{{ {IDS}.split(',') }}}}"}}, [EAST, TEST]),
        ({"filters": {"InstanceIds": [f"{{{{ {IDS}.split(',') }}}}"]}}, [EAST, TEST]),
        ({"filters": {"InstanceIds": [TEST, f"{{{{ {IDS}.split(',') }}}}"]}}, [EAST, TEST]),
        ({"filters": f"{{{{ {{'InstanceIds': ['{EAST}', '{TEST}']}} }}}}"}, [EAST, TEST]),
        ({"include_filters": f"{{{{ [{{'InstanceIds': '{EAST}'}}, {{'InstanceIds': '{TEST}'}}] }}}}"}, [EAST, TEST]),
        ({"include_filters": [f"{{{{ [{{'InstanceIds': '{EAST}'}}] }}}}", {"InstanceIds": TEST}]}, [EAST, TEST]),
        ({"include_filters": f"{{{{ {{'InstanceIds': '{EAST}'}} }}}}"}, [EAST]),
        ({"exclude_filters": [{"InstanceIds": f"{{{{ {IDS}.split(',') }}}}"}]}, []),
        ({"exclude_filters": "{{ [] }}"}, [EAST, TEST]),
        ({"statuses": "{{ 'notconnected,unknown'.split(',') }}"}, [TEST]),
        ({"statuses": "{{ 'notconnected,unknown' }}"}, [TEST]),
        ({"statuses": ["{{ ['connected', 'unknown'] }}"]}, [EAST]),
    ],
    ids=str,
)
def test_the_other_lists_and_mappings_may_come_from_one_template(options: dict[str, Any], found: list[str]) -> None:
    assert hosts(**options) == found


@pytest.mark.parametrize(
    "hostnames",
    [
        "{{ [region, instance_id] | join('-') }}",
        "computer_names, {{ [region, instance_id] | join('-') }}",
        ["{{ [region, instance_id] | join('-') }}"],
    ],
)
def test_a_template_for_names_may_have_commas(hostnames: Any) -> None:
    assert hosts(hostnames=hostnames) == [f"us-east-1-{EAST}", f"us-east-1-{TEST}"]


def test_a_text_without_templates_is_split_as_before() -> None:
    assert hosts(regions="us-east-1, eu-west-1") == ALL
    assert hosts(hostnames="computer_names, instance_id") == [EAST, TEST]


def test_what_a_template_comes_to_is_no_template() -> None:
    # A second evaluation would give us-east-1.
    with pytest.raises(AnsibleParserError, match="region"):
        hosts(region=f"{{{{ {FLEET} }}}}", env={"FLEET": "{{ 'us-east-1' }}"})


def test_no_use_is_made_of_what_is_deprecated() -> None:
    with mock.patch.object(Display, "deprecated") as deprecated:
        hosts(regions=f"{{{{ {FLEET} }}}}", region="{{ 'us-east-1' }}", filters={"tag:Ids": [f"{{{{ {IDS} }}}}"]})
    assert deprecated.call_args_list == []


SECRET = "{{ lookup('ansible.builtin.env', 'SECRET') }}"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"regions": "{{ fleet }}"}, "regions: the template fails: 'fleet' is undefined"),
        ({"regions": ["us-east-1", "{{ fleet }}"]}, "regions: the template fails: 'fleet' is undefined"),
        ({"regions": "{{ 'us-east-1', "}, "regions: the template fails: "),
        ({"aws_region": "{{ fleet }}"}, "aws_region: the template fails: 'fleet' is undefined"),
        ({"secret_key": "{{ fleet }}"}, "secret_key: the template fails: 'fleet' is undefined"),
        ({"secret_key": "{{ ('" + CANARY + "' | from_json).key }}"}, "secret_key: the template fails."),
        ({"regions": "{{ [] }}"}, "regions: the template gives an empty value."),
        ({"regions": "{{ '' }}"}, "regions: the template gives an empty value."),
        ({"regions": ["{{ '' }}"]}, "regions: the template gives an empty value."),
        (
            {"regions": [f"{{{{ {FLEET.replace('FLEET', 'UNSET')}.split(',') }}}}"]},
            "the template gives an empty value.",
        ),
        ({"statuses": "{{ [] }}"}, "statuses: the template gives an empty value."),
        ({"include_filters": "{{ [] }}"}, "include_filters: the template gives an empty value."),
        ({"filters": "{{ {} }}"}, "filters: the template gives an empty value."),
        ({"filters": SECRET}, "filters must map filters to their values, such as PlatformTypes: Linux."),
        ({"include_filters": SECRET}, "include_filters must be a list whose entries map filters to their values"),
        ({"include_filters": [SECRET]}, "include_filters must be a list whose entries map filters to their values"),
        ({"region": f"{{{{ [{SECRET[3:-3]}] }}}}"}, "region must be a string, not a list or a mapping."),
        ({"secret_key": [CANARY]}, "secret_key must be a string, not a list or a mapping."),
        ({"aws_secret_key": {"a": CANARY}}, "aws_secret_key must be a string, not a list or a mapping."),
        ({"regions": "{{ [['us-east-1']] }}"}, "is not the name of a region, such as us-east-1."),
        ({"strict_permissions": "{{ 'x' }}"}, "is not a boolean; expected true or false."),
    ],
    ids=str,
)
def test_what_is_wrong_is_one_sentence_before_any_call(options: dict[str, Any], sentence: str) -> None:
    with LocalAWS(WORLD) as aws:
        with pytest.raises(AnsibleParserError) as raised:
            Source(aws, **options).parse(env={**BOTH, "SECRET": CANARY})
        assert sentence in str(raised.value)
        assert "\n" not in str(raised.value)
        assert CANARY not in str(raised.value)
        assert aws.calls() == []
