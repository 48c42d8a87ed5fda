#!/usr/bin/env bash
# Prints the crates of the workspace that are published, as arguments for cargo: "-p choreography -p ...".
set -euo pipefail
cd "$(dirname "$0")/.."

cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
packages = json.load(sys.stdin)["packages"]
print(*("-p " + package["name"] for package in packages if package["publish"] != []))'
