"""`python -m engine`: reads `EngineSettings` as JSON from stdin until its end, then serves.

Exit codes: 0 stopped by SIGTERM or SIGINT · 2 the settings cannot be read · 3 Redis did not answer
for about two minutes · 4 none of the roles can be served here · 1 anything else. Logs go to stderr.
"""

import asyncio
import sys

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from engine import logs, worker
from engine.contract.settings import EngineSettings

STOPPED, SETTINGS_UNREADABLE, REDIS_UNREACHABLE, NO_ROLE = 0, 2, 3, 4

log = structlog.get_logger()


def main() -> int:
    logs.configure()
    try:
        settings = EngineSettings.model_validate_json(sys.stdin.buffer.read())
    except ValidationError as error:
        fields = [".".join(str(part) for part in fault["loc"]) for fault in error.errors()]
        log.error("settings_unreadable", fields=fields)
        return SETTINGS_UNREADABLE
    roles = worker.usable_roles(settings)
    if not roles:
        return NO_ROLE
    try:
        asyncio.run(worker.run(settings, roles))
    except RedisError as error:
        log.error("redis_unreachable", error=type(error).__name__)
        return REDIS_UNREACHABLE
    return STOPPED


if __name__ == "__main__":
    sys.exit(main())
