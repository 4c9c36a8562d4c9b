#!/usr/bin/env bash
set -eu
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

for expected in expected/*; do
    name=$(basename "$expected")            # such as fleet.graph
    inventory="${name%.*}.aws_ssm.yml"
    for run in first second; do
        ansible-inventory -i "$inventory" "--${name##*.}" > "$results/$run" 2> "$results/errors"
    done
    cmp "$results/first" "$results/second"
    diff -u "$expected" "$results/first"
done

# What goes wrong is one sentence, and no inventory.
for bad in bad/*.aws_ssm.yml; do
    if ANSIBLE_INVENTORY_UNPARSED_FAILED=true ansible-inventory -i "$bad" --list > "$results/first" 2> "$results/errors"; then
        echo "$bad gave an inventory"
        exit 1
    fi
    sentence=$(sed -n 's/^# Fails with: //p' "$bad")
    tr '\n' ' ' < "$results/errors" | tr -s ' ' | grep -qF -- "$sentence" || { cat "$results/errors"; exit 1; }
    if grep -q Traceback "$results/errors"; then exit 1; fi
done
echo "Every inventory is as expected."
