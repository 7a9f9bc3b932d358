"""The proof that nothing is lost and nothing counts twice: the whole log against all that was made of it.

It shares with what it audits the transport that reads the stream, and the facts in `schemas`; nothing that decides.
"""

from pipelines.audit.cutoffs import AuditImpossible
from pipelines.audit.report import AuditReport, Figure, Finding, Kind
from pipelines.audit.run import audit

__all__ = ["AuditImpossible", "AuditReport", "Figure", "Finding", "Kind", "audit"]
