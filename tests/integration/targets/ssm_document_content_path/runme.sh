#!/usr/bin/env bash
set -eu
cd "$(dirname "$0")"
printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
"${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}" ../../../emulator run --world world.yml -- \
    ansible-playbook playbook.yml --vault-password-file password --diff -vvv "$@" >"$printed" 2>&1 ||
    { cat "$printed"; exit 1; }
# Neither what is printed nor what is left in temporary folders has what the vault keeps.
if grep -F 'only in the vault' "$printed" || grep -rF 'only in the vault' ~/.ansible/tmp; then
    exit 1
fi
