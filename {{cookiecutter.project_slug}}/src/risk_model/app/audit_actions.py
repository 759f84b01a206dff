"""What `audit` does besides checking a log: proofs, one patient's records, exports, retention."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

from risk_model.app.commands.audit import LOG
from risk_model.app.flags import FlagParser
from risk_model.core.files import user_path
from risk_model.deployment.audit.export import export, recorded_export
from risk_model.deployment.audit.proofs import prove
from risk_model.deployment.audit.rotation import rotate
from risk_model.deployment.audit.segments import close_segment
from risk_model.deployment.audit.subjects import erase, report
from risk_model.deployment.audit.verify import verifier_keys


def _prove(arguments: list[str]) -> int:
    parser = _parser("prove", "that a record is in the log, without any other record", keys=False)
    parser.add_argument("seq", type=int, metavar="SEQ", help="number of the record")
    parser.add_argument("log", type=user_path, nargs="?", default=LOG, metavar="LOG")
    parser.add_argument("--vkey", type=user_path, metavar="FILE", help="file of the verifier keys")
    flags = parser.parse_args(arguments)
    print(prove(flags.log, flags.seq, verifier_keys(flags.log, flags.vkey)), end="")
    return 0


def _report(arguments: list[str]) -> int:
    parser = _parser("report", "every record about one patient, as lines of JSON")
    _add_subject_and_logs(parser)
    flags = parser.parse_args(arguments)
    for record in report(flags.logs, flags.subject, flags.keys):
        facts = {name: value for name, value in vars(record).items() if value is not None}
        print(json.dumps(facts, ensure_ascii=False))
    return 0


def _erase(arguments: list[str]) -> int:
    parser = _parser("erase", "bodies, salts and pseudonym of one patient; all else still verifies")
    _add_subject_and_logs(parser)
    flags = parser.parse_args(arguments)
    erased = erase(flags.logs, flags.subject, flags.keys, flags.checkpoints)
    print(f"{flags.logs[-1]}: {len(erased):,} records erased, and the erasure recorded")
    return 0


def _export(arguments: list[str]) -> int:
    parser = _parser("export", "the records as lines of JSON; the log tells of it")
    parser.add_argument("output", type=user_path, metavar="OUTPUT")
    parser.add_argument("log", type=user_path, nargs="?", default=LOG, metavar="LOG")
    copy = "of a copy, a closed segment or a log in use, which then does not tell of it"
    parser.add_argument("--unrecorded", action="store_true", help=copy)
    flags = parser.parse_args(arguments)
    if flags.unrecorded:
        records, digest = export(flags.log, flags.output)
    else:
        records, digest = recorded_export(flags.log, flags.output, flags.keys, flags.checkpoints)
    told = "not recorded" if flags.unrecorded else "recorded"
    print(f"{flags.output}: {records:,} records, SHA-256 {digest}; {told}")
    return 0


def _segment(arguments: list[str]) -> int:
    parser = _parser("segment", "closes the log, to keep or delete it whole, and begins the next")
    parser.add_argument("log", type=user_path, nargs="?", default=LOG, metavar="LOG")
    flags = parser.parse_args(arguments)
    print(f"closed: {close_segment(flags.log, flags.keys, flags.checkpoints)}")
    return 0


def _rotate(arguments: list[str]) -> int:
    parser = _parser("rotate", "a new signing key, which the old one signs")
    parser.add_argument("log", type=user_path, nargs="?", default=LOG, metavar="LOG")
    flags = parser.parse_args(arguments)
    new = rotate(flags.log, flags.keys, flags.checkpoints)
    print(f"{flags.log}: signed from now on with the key of {new.vkey}; publish it")
    return 0


def _parser(action: str, help: str, keys: bool = True) -> FlagParser:
    parser = FlagParser("audit")
    parser.prog, parser.description = f"audit {action}", help
    if keys:
        folder = "folder of the log's keys (default: beside the log's folder)"
        parser.add_argument("--keys", type=user_path, metavar="DIR", help=folder)
        second = "file that keeps its checkpoints, where serve has one"
        parser.add_argument("--checkpoints", type=user_path, metavar="FILE", help=second)
    return parser


def _add_subject_and_logs(parser: FlagParser) -> None:
    parser.add_argument("subject", type=_subject, metavar="subject=NAME", help="as requests named")
    help = "the closed segments, in order, and the log"
    parser.add_argument("logs", type=user_path, nargs="*", default=[LOG], metavar="LOG", help=help)


def _subject(word: str) -> str:
    key, _, name = word.partition("=")
    if key != "subject" or not name:
        raise argparse.ArgumentTypeError("write subject=NAME")
    return name


ACTIONS: dict[str, Callable[[list[str]], int]] = {
    "prove": _prove,
    "report": _report,
    "erase": _erase,
    "export": _export,
    "segment": _segment,
    "rotate": _rotate,
}
