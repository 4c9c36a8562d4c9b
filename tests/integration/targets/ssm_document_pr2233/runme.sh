#!/usr/bin/env bash
set -eu
cd "$(dirname "$0")"
exec "${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}" ../../../emulator run --world world.yml -- \
    ansible-playbook playbook.yml "$@"
