"""A clinical risk model, from patient data to a served, audited, explained prediction."""

import os

# patient environments must not call out (checked with strace)
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

__version__ = "0.1.0"
