# Copyright: Contributors to the sessionops.aws collection
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the inventory plugin as Ansible loads it, in the process of the test."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import yaml
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader

from emulator.testing import LocalAWS

NAME = "sessionops.aws.aws_ssm"


class Parsed(NamedTuple):
    """The inventory that a run of the plugin filled, and its warnings."""

    data: Any
    warnings: list[str]

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the variables of each host, without those that Ansible sets."""
        return {name: {key: host.vars[key] for key in sorted(host.vars) if key not in OWN} for name, host in self._all}

    @property
    def _all(self) -> list[tuple[str, Any]]:
        return list(self.data.hosts.items())

    def group(self, name: str) -> list[str]:
        """Return the names of a group's hosts, in order."""
        return [host.name for host in self.data.groups[name].get_hosts()]


OWN = ("inventory_dir", "inventory_file")


class Source:
    """An inventory file in a temporary folder, which also holds its cache."""

    def __init__(self, aws: LocalAWS, **options: Any) -> None:
        self._folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self._folder)
        self._aws = aws
        self.path = self._folder / "test.aws_ssm.yml"
        self.write(**options)

    def write(self, **options: Any) -> None:
        """Write the file with these options."""
        self.path.write_text(yaml.safe_dump({"plugin": NAME, **options}))

    def write_cached(self, **options: Any) -> None:
        """Write the file with these options and a cache on disk."""
        cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(self._folder)}
        self.write(**{**cache, **options})

    def parse(self, *, cache: bool = True, env: Mapping[str, str] | None = None, data: Any = None) -> Parsed:
        """Run the plugin. ``env`` overrides the variables that point to the emulator.

        ``data`` is the inventory as other sources have filled it.
        """
        plugin = inventory_loader.get(NAME)
        warnings: list[str] = []
        data = data or InventoryData()
        with _environment({**self._aws.clean_env(), **(env or {})}), mock.patch.object(plugin, "warn", warnings.append):
            plugin.parse(data, DataLoader(), str(self.path), cache=cache)
            if plugin.get_option("cache"):
                plugin.update_cache_if_changed()
        data.reconcile_inventory()
        return Parsed(data, warnings)


def parse(aws: LocalAWS, **options: Any) -> Parsed:
    """Run the plugin once with these options."""
    return Source(aws, **options).parse()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    with mock.patch.dict(os.environ, variables, clear=True):
        yield
