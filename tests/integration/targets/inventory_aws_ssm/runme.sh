#!/usr/bin/env bash
set -eu
cd "$(dirname "$0")"
python=${ANSIBLE_TEST_PYTHON_INTERPRETER:-python3}
exec "$python" ../../../emulator run --world world.yml -- "$python" compare.py "$@"
