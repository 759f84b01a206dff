"""api_key: gives a client a key, or takes its keys back."""

from __future__ import annotations

from pathlib import Path

from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path


def api_key(arguments: list[str]) -> None:
    """Changes the file of API keys, which a running server reads again at once."""
    parser = FlagParser("api_key")
    parser.add_argument("action", choices=["add", "revoke"])
    parser.add_argument("client", help="the name under which records tell of it")
    file = Path("keys/api_keys.json")
    parser.add_argument("--keys", type=user_path, default=file, help="the file of API keys")
    scope = "what the client may do: predict (default), describe; may be repeated"
    parser.add_argument("--scope", action="append", default=[], help=scope)
    parser.add_argument("--expires", default="", help="the day on which the key ends, 2030-12-31")
    parser.add_argument("--but-newest", action="store_true", help="revoke all but the last one")
    flags = parser.parse_args(arguments)
    from risk_model.deployment.access_keys import add_key, revoke_keys

    if flags.action == "revoke":
        gone = revoke_keys(flags.keys, flags.client, flags.but_newest)
        print(f"{flags.keys}: keys of {flags.client} that are gone: {gone}")
        return
    key = add_key(flags.keys, flags.client, flags.scope or ["predict"], flags.expires)
    print(f"the key of {flags.client}, which is shown this once:\n{key}")
