"""Answers to the tasks: right ones by another route than the reference's, and lazy ones."""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from pathlib import Path

from take_home.stub import body_lines, find_function
from take_home.tasks import BY_NAME, PACKAGE


@dataclass(frozen=True)
class Answer:
    """Bodies for the empty functions of a task, by name, and what the file imports beside."""

    task: str
    bodies: dict[str, str]
    imports: str = ""

    def written(self, handed_out: Path) -> bytes:
        """The candidate's file with these bodies in it."""
        source = (handed_out / "src" / PACKAGE / BY_NAME[self.task].file).read_text()
        for name, body in self.bodies.items():
            lines, node = source.splitlines(), find_function(ast.parse(source), name)
            first, last = body_lines(lines, node)
            indent = " " * (node.col_offset + 4)
            lines[first - 1 : last] = textwrap.indent(
                textwrap.dedent(body).strip(), indent
            ).splitlines()
            source = "\n".join(lines) + "\n"
        future = "from __future__ import annotations\n"
        return source.replace(future, f"{future}{self.imports}\n", 1).encode()


OTHER_ROUTES = (
    Answer(
        "split",
        {
            "_allot": """
            test = 1 - shares.train - shares.validation - shares.calibration
            wanted = np.array([shares.train, shares.validation, shares.calibration, test])
            frame = pd.DataFrame({"who": names[subject], "event": cohort.labels})
            frame["site"] = cohort.index["site"] if cohort.recorded("site") else ""
            frame = frame.iloc[rows]
            people = frame.groupby("who", as_index=False).agg({"event": "max", "site": "min"})
            hashed = [sha256(f"{seed}:{who}".encode()).hexdigest() for who in people["who"]]
            people["order"] = hashed
            dealt, counts = {}, np.zeros(4)
            for total, who in enumerate(people.sort_values(["event", "site", "order"])["who"], 1):
                dealt[who] = int(np.argmax(wanted * total - counts))
                counts[dealt[who]] += 1
            return np.array([dealt[who] for who in frame["who"]])
            """
        },
        "from hashlib import sha256",
    ),
    Answer(
        "fit",
        {
            "LinearModel.fit_solver": """
            if terms is None:
                terms = Terms.fit(rows.features).straight()
            scaler = StandardScaler()
            scaled = scaler.fit_transform(terms.columns(rows.features))
            pipeline = solver.fit(scaled, rows.labels, rows.weights)
            weight = pipeline.coef_.ravel() / scaler.scale_
            at_zero = pipeline.decision_function(-scaler.mean_[None] / scaler.scale_)
            return cls(terms, scaler.mean_, scaler.scale_, weight, float(at_zero[0]))
            """,
            "column_medians": """
            medians = pd.DataFrame(features).median(skipna=True)
            return medians.fillna(0).to_numpy(dtype=np.float32)
            """,
        },
        "import pandas as pd\nfrom sklearn.preprocessing import StandardScaler",
    ),
    Answer(
        "score",
        {
            "score": """
            copied = deepcopy(network).eval()
            with torch.inference_mode():
                pieces = [copied(features[i : i + chunk]) for i in range(0, len(features), chunk)]
            together = torch.cat(pieces).to(torch.float64)
            return (together if together.ndim == 1 else together.mean(-1)).clone()
            """
        },
        "from copy import deepcopy\nimport torch",
    ),
    Answer(
        "focal",
        {
            "focal": """
            refuse_activation(logits)
            happened = labels if labels.ndim == logits.ndim else labels.unsqueeze(1)
            right = (2 * happened - 1) * logits
            return -(torch.exp(gamma * logsigmoid(-right)) * logsigmoid(right)).mean()
            """
        },
        "import torch\nfrom torch.nn.functional import logsigmoid",
    ),
    Answer(
        "calibration",
        {
            "platt": """
            n1, n0 = float(np.sum(labels == 1)), float(np.sum(labels == 0))
            t = np.where(labels == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
            unit = max(1.0, float(np.abs(logit).max()))
            x = logit / unit

            def loss(line):
                z = line[0] * x + line[1]
                gap = sigmoid(z) - t
                value = np.mean(np.logaddexp(0, z) - t * z)
                return value, np.array([np.mean(gap * x), np.mean(gap)])

            floor = SMALLEST_SLOPE * unit
            start = [max(1.0, floor), 0.0]
            best = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9}).x
            if best[0] < floor:
                rest = lambda b: loss([floor, b[0]])[0]
                held = minimize(rest, [0.0], method="Nelder-Mead", tol=1e-10).x
                best = np.array([floor, held[0]])
            return Calibrator("platt", float(best[0] / unit), float(best[1]))
            """,
            "prior_correction": """
            return Calibrator("prior_correction", 1.0, float(np.log(1 / pos_weight)))
            """,
        },
        "from scipy.optimize import minimize",
    ),
    Answer(
        "ece",
        {
            "expected_calibration_error": """
            total = 0.0
            borders = [-np.inf, *edges, np.inf]
            for low, high in zip(borders[:-1], borders[1:]):
                here = np.logical_and(risk > low, risk <= high)
                if here.any():
                    total += abs(outcome[here].mean() - risk[here].mean()) * here.mean()
            return float(total) if len(risk) else float("nan")
            """
        },
    ),
    Answer(
        "answer",
        {
            "Service._answer": """
            asked, risk = await self.input.worker.run(self._read_and_score, body)
            if risk != risk or not 0 <= risk <= 1:
                raise RefusedError(500, "there is no risk to answer with")
            said = {
                "risk": self.package.shown(risk),
                "operating_threshold": self.package.threshold,
                "flagged": not risk < self.package.threshold,
            } | ({"request_id": asked.request_id} if asked.request_id else {})
            count = len(asked.warnings)
            written = await self.audit.append(
                kind="prediction",
                facts=asker | said | ({"reason": f"{count} warning(s)"} if count else {}),
                committed=asked.row.tobytes(),
                subject=asked.subject,
            )
            about = {
                "prediction_id": written,
                "outcome": self.package.schema.outcome,
                "model": self.package.manifest.model,
                "model_version": self.package.sha256,
                "missing": asked.missing,
                "input_warnings": asked.warnings,
            }
            if explain or asked.explain:
                about["explanation"] = await self._explanation(asked, written, asker)
            return UncachedResponse({**about, **said})
            """
        },
    ),
)

LAZY = (
    Answer("split", {"_allot": "return np.zeros(len(rows), dtype=np.int64)"}),
    Answer("split", {"_allot": "return np.arange(len(rows)) % 4"}),
    Answer("split", {"_allot": "return np.zeros(0, dtype=np.int64)"}),
    *(
        Answer(
            "fit",
            {
                "column_medians": "return np.zeros(features.shape[1], dtype=np.float32)",
                "LinearModel.fit_solver": f"""
                terms = terms or Terms.fit(rows.features).straight()
                n = terms.columns(rows.features).shape[1]
                return cls(terms, np.zeros(n), np.ones(n), np.{weights}(n), {bias})
                """,
            },
        )
        for weights, bias in (
            ("zeros", "0.0"),
            ("zeros", "float(np.log(rows.labels.mean() / (1 - rows.labels.mean())))"),
            ("ones", "0.0"),
        )
    ),
    Answer("score", {"score": "return features[:, 0].double() * 0"}),
    Answer("score", {"score": "return features.double().mean(dim=1)"}),
    Answer("score", {"score": "return features[:0, 0].double()"}),
    Answer("focal", {"focal": "return logits.sum() * 0"}),
    Answer("focal", {"focal": "return logits.mean()"}),
    Answer("focal", {"focal": "raise ValueError"}),
    *(
        Answer(
            "calibration",
            {
                "platt": f"return {platt}",
                "prior_correction": f"return {prior}",
            },
        )
        for platt, prior in (
            ('Calibrator("platt")', 'Calibrator("prior_correction")'),
            ('Calibrator("platt", 0.0, 0.0)', 'Calibrator("prior_correction", 0.0)'),
            (
                "Calibrator('platt', 0.01, float(np.log(labels.mean())))",
                "None",
            ),
        )
    ),
    Answer("ece", {"expected_calibration_error": "return 0.0"}),
    Answer("ece", {"expected_calibration_error": "return NAN"}),
    Answer("ece", {"expected_calibration_error": "return float(abs(np.mean(outcome - risk)))"}),
    Answer("answer", {"Service._answer": "return UncachedResponse({})"}),
    Answer("answer", {"Service._answer": "raise AuditError"}),
    Answer("answer", {"Service._answer": 'raise RefusedError(500, "no")'}),
)
