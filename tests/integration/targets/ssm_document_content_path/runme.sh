#!/usr/bin/env bash
set -eu
cd "$(dirname "$0")"
python="${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}"
"$python" ../../../emulator run --world world.yml -- ansible-playbook playbook.yml "$@"

printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
if ! "$python" ../../../emulator run --world world.yml -- \
    ansible-playbook vault.yml --vault-password-file password --diff -vvv "$@" >"$printed" 2>&1; then
    cat "$printed"
    exit 1
fi
# Neither what is printed nor what is left in temporary folders has what the vault keeps.
if grep -F 'only in the vault' "$printed" || grep -rF 'only in the vault' ~/.ansible/tmp; then
    exit 1
fi
