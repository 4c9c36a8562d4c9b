#!/usr/bin/env bash
# Each inventory file must give its graph or list, byte for byte, and twice the same.
set -eu
cd "$(dirname "$0")"
exec "${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}" ../../../emulator run --world world.yml -- bash compare.sh
