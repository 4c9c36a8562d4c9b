#!/usr/bin/env bash
set -eu
cd "$(dirname "$0")"
# The bytes of names and output do not depend on the locale, but ansible-core itself requires UTF-8.
exec "${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}" ../../../emulator run --world world.yml -- \
    ansible-playbook -i inventory.yml --forks 20 playbook.yml "$@"
