"""Dead letters over the control port: tell and redrive."""

from collections.abc import Iterator

from aiohttp import web

from globalchat.core.clock import iso_time
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.dead_letters import DeadLetter
from globalchat.localcloud.events.service import EventBridge
from globalchat.localcloud.process.control import DEAD_LETTERS, REDRIVE


def dead_letter_routes(events: EventBridge) -> list[web.RouteDef]:
    """GET answers `{"letters": [...]}`, with what people wrote only if the query says `detail=1`.

    POST of a redrive answers `{"delivered", "failed"}`; `queue` in its query is a name or an ARN, and without
    it every queue is meant. An unknown queue is answered 400 with `error` and `remedy`.
    """

    async def tell(request: web.Request) -> web.Response:
        detail = request.query.get("detail") == "1"
        letters: list[JSON] = [
            _describe(queue_arn, letter, detail=detail)
            for queue_arn, letters in events.dead_letters.items()
            for letter in letters
        ]
        return web.json_response({"letters": letters})

    async def redrive(request: web.Request) -> web.Response:
        name = request.query.get("queue")
        queues = list(_queues(events, name))
        if not queues:
            known = ", ".join(sorted({_last(arn) for arn in events.dead_letters})) or "none"
            error = f"There is no queue {str(name)[:80]!r}." if name else "There is no queue."
            return web.json_response({"error": error, "remedy": f"The queues are: {known}."}, status=400)
        delivered = failed = 0
        for queue_arn in queues:
            outcome = await events.redrive(queue_arn)
            delivered, failed = delivered + outcome.delivered, failed + outcome.failed
        return web.json_response({"delivered": delivered, "failed": failed})

    return [web.get(DEAD_LETTERS, tell), web.post(REDRIVE, redrive)]


def _queues(events: EventBridge, name: str | None) -> Iterator[str]:
    for queue_arn in events.dead_letters:
        if name in (None, queue_arn, _last(queue_arn)):
            yield queue_arn


def _describe(queue_arn: str, letter: DeadLetter, *, detail: bool) -> dict[str, JSON]:
    attributes = letter.attributes
    rule = attributes.get("RULE_ARN")
    retries = attributes.get("RETRY_ATTEMPTS")
    document: dict[str, JSON] = {
        "queue": _last(queue_arn),
        "region": queue_arn.split(":")[3],
        "time": iso_time(1000 * letter.sent_at),
        "errorCode": attributes.get("ERROR_CODE"),
        "errorMessage": attributes.get("ERROR_MESSAGE"),
        "exhaustedRetryCondition": attributes.get("EXHAUSTED_RETRY_CONDITION"),
        "retryAttempts": None if retries is None else int(retries),
        "rule": None if rule is None else rule.rpartition("/")[2],
        "target": attributes.get("TARGET_ARN"),
        "eventId": letter.event.id,
    }
    if detail:
        document["detail"] = letter.event.document["detail"]
    return document


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]
