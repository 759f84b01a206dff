"""A clinical risk model, from patient data to a served, audited, explained prediction."""

import os

# Patient environments must not call out, whatever the shell says: each library reads its own name
# when it is imported, after this file (tests/test_outside_world.py looks on with strace).
os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # else ONNX Runtime looks up Microsoft's collector and leaves a device's id in ~/.cache
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}

__version__ = "0.1.0"
