"""Checks the AsyncAPI document on the standard input: by the official JSON Schema of AsyncAPI (first argument), that all
references lead somewhere, and that payloads of messages are as it says (second argument: a file with examples)."""

import json
import sys

from jsonschema_rs import Draft7Validator, Draft202012Validator

document = json.load(sys.stdin)
official, examples = (json.load(open(path)) for path in sys.argv[1:])
faults = [f"{list(error.instance_path)}: {error.message[:300]}" for error in Draft7Validator(official).iter_errors(document)]


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from references(item)


def target(reference):
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


dangling = {reference for reference in references(document) if target(reference) is None}
if dangling:
    sys.exit("\n".join(f"{reference} leads nowhere" for reference in sorted(dangling)))

components = document["components"]
for name, payloads in examples["messages"].items():
    payload = components["messages"].get(name, {}).get("payload")
    if payload is None:
        faults.append(f"{name} has no payload")
        continue
    validator = Draft202012Validator({**payload, "components": components}, validate_formats=True)
    faults += [f"{name}: {error.message[:300]}" for example in payloads for error in validator.iter_errors(example)]

sys.exit("\n".join(faults) or 0)
