"""What must somebody know before using this model? One page of what the run computed or the settings stated."""

from __future__ import annotations

from typing import Any

FIGURES = {
    "AUROC": "auroc",
    "AUPRC": "auprc",
    "Brier score": "brier",
    "calibration-in-the-large": "citl",
    "calibration slope": "slope",
    "ECE, ten equal-width bins": "ece",
    "net benefit at the operating threshold": "net_benefit",
}


def model_card(name: str, facts: dict[str, Any], judged: dict[str, Any]) -> str:
    """The model card of one model, in Markdown.

    `facts` is a run's training.json, `judged` what `evaluation.evaluate` returned.
    """
    blocks = [_purpose(name, facts), *(_part(part, name, judged) for part in judged["parts"]), _limits(judged)]
    return "\n\n".join(blocks) + "\n"


def _purpose(name: str, facts: dict[str, Any]) -> str:
    role = "the champion" if facts["champion"]["name"] == name else f"not the champion ({facts['champion']['name']} is)"
    return "\n".join(
        [
            f"# {facts['outcome']}: {name.replace('_', ' ')}",
            "",
            f"- Predicts: {facts['outcome']}; trained on the cohort {facts['cohort']}.",
            f"- Role: {role}. {facts['champion']['reason']}",
            f"- Calibrator: {facts['calibrators'][name]['kind'].replace('_', ' ')}.",
            f"- Operating threshold: {facts['threshold']:.3f}. {facts['threshold_reason']}",
            f"- Data fingerprint: {facts['fingerprint']}; code: {facts['git']}.",
        ]
    )


def _part(part: str, name: str, judged: dict[str, Any]) -> str:
    content = judged["parts"][part]
    metrics = content["models"][name]["metrics"]
    verdict = judged["gates"][part][name]["verdict"]
    lines = [
        f"## {part}: {verdict}",
        "",
        f"{content['n']} predictions, {content['events']} events.",
        "",
        "| figure | estimate | 95 % interval |",
        "|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(label, metrics[key]) for label, key in FIGURES.items() if key in metrics)])


def _row(label: str, figure: dict[str, float | None]) -> str:
    estimate, low, high = (figure.get(key) for key in ("estimate", "low", "high"))
    shown = "not estimable" if estimate is None else f"{estimate:.3f}"
    interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    return f"| {label} | {shown} | {interval} |"


def _limits(judged: dict[str, Any]) -> str:
    findings = [f"- {f['severity']}: {f['kind']}, {f['where']}: {f['message']}" for f in judged.get("findings", [])]
    return "\n".join(["## Limits", "", *(findings or ["- No finding of the evaluation; see the report."])])
