#!/usr/bin/env bash
set -eu
cd "$(dirname "$0")"
# A folder with another name, because ansible-test wants modules in Python in the usual one.
export ANSIBLE_LIBRARY=old_modules
# The bytes of names and output do not depend on the locale, but ansible-core itself requires UTF-8.
exec "${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}" ../../../emulator run --world world.yml -- \
    sh -ec 'ansible-playbook -i inventory.yml --forks 20 playbook.yml "$@"; ansible-playbook end.yml "$@"' sh "$@"
