"""The audit log: what was said, by which model, to whom, and that nobody changed it since.

`record` holds the frozen format, `tree` the hash tree over it, `checkpoint` the signed heads and
the keys, `store` the file and its transactions, `log` the queue in front of it, `verify` the check.
"""

from risk_model.deployment.audit.log import AuditLog
from risk_model.deployment.audit.store import AuditError

__all__ = ["AuditError", "AuditLog"]
