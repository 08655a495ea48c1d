"""Stand-ins for the audit: a git server with small services in many frameworks, and reports of load tests.

`python -m accepted_apps.playground.audit` serves them until it is interrupted.
"""

from accepted_apps.playground.audit.repositories import SERVICES, make_repository
from accepted_apps.playground.audit.server import GitServer

__all__ = ["SERVICES", "GitServer", "make_repository"]
