"""Hooks of schemathesis, which schemathesis.toml names."""

from uuid import uuid4

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    # Schemathesis sends one key with several bodies, which the services refuse on purpose (422). An invalid key stays.
    key = (case.headers or {}).get("idempotency-key")
    if isinstance(key, str) and 0 < len(key) <= 128 and all("!" <= character <= "~" for character in key):
        case.headers["idempotency-key"] = str(uuid4())
