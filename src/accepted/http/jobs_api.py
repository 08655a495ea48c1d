"""The handlers of everything that is about jobs already submitted, and of the list of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, get_args, get_type_hints

from pydantic_core import from_json
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.websockets import WebSocket

from accepted.errors import BadRequest, Forbidden, InvalidInput
from accepted.feed import encode
from accepted.http.artifacts import send_artifact
from accepted.http.auth import Identity, JobVerb
from accepted.http.job_body import job_body, job_members, job_tag, poll_after_ms
from accepted.http.links import Links, links_here
from accepted.http.live import Live, Places
from accepted.http.negotiation import parse_number, parse_prefer, prefers_stream, tag_matches
from accepted.http.problem_page import problem_page
from accepted.http.problems import retry_after
from accepted.http.reading import read_json, read_object
from accepted.http.resource import Call, Ready, json_answer
from accepted.http.sse import event_stream, job_ids, read_cursor, resume
from accepted.http.submit import accepted_response, public_tasks, result_response
from accepted.http.task_schemas import public_schemas
from accepted.http.views import Views
from accepted.http.waiting import while_connected
from accepted.http.websocket import JobSocket
from accepted.job import JSON, Artifact, Glance, JobRecord, Status, iso
from accepted.task import Task

if TYPE_CHECKING:
    from accepted.jobs import Jobs

JSON_TYPE: Final = "application/json"
SMALL_BODY: Final = 16 * 1024
"""Longest body of cancel and tokens, in bytes."""
REASON_MAX: Final = 500
"""Longest reason of a cancel, in characters."""
SEARCH_MAX: Final = 1000
"""Longest `q=`, in characters."""
EVENTS_MAX: Final = 1000
"""Most events in one page."""
_SEQ_MAX: Final = 2**63 - 1
_DELETE_FILTERS: Final = ("status", "task", "owner", "all")


class JobsApi:
    """One for each `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.places = Places(jobs.settings)
        self._views = Views(jobs)

    # ── tasks ──

    async def problems(self, call: Call) -> Response:  # noqa: ARG002  a handler
        """What the types of problem objects mean. Open: a refusal, too, leads here."""
        return Response(problem_page(), 200, {"Cache-Control": "max-age=3600"}, media_type="text/html")

    async def tasks(self, call: Call) -> Response:
        self._jobs.access.full(await self._jobs.access.identify(call))
        return json_answer({"tasks": [_task(task, call.links) for task in public_tasks(self._jobs).values()]})

    # ── one job ──

    async def get(self, call: Call) -> Response:
        """The job; 304 when the client knows it so; with `Prefer: wait=N` not before it changes."""
        access, store = self._jobs.access, self._jobs.store
        identity = await access.identify(call)
        known, waits = call.headers.get("if-none-match"), "prefer" in call.headers
        if known is not None and not waits:
            glance = await access.glance(identity, store, call.job_id)
            tag = self._present_tag(call.job_id, glance)
            if tag is not None and tag_matches(known, tag):
                return Ready(None, 304, _state_headers(glance, tag))
        job, applied = await access.job(identity, store, call.job_id, "read"), None
        if waits:
            job, applied = await self._held(call, job, known)
        tag = job_tag(job, await self._views.waiting(job))
        headers = _state_headers(job, tag)
        if applied is not None:
            headers["Preference-Applied"] = applied
        if tag_matches(known, tag):
            return Ready(None, 304, headers)
        return Ready(job_body(job, call.links, await self._views.details(job)), 200, headers)

    def _present_tag(self, job_id: str, glance: Glance) -> str | None:
        """None: for this job's place in the queue somebody has to look."""
        if glance.status is not Status.PENDING:
            return job_tag(glance)
        waiting = self._views.believed(job_id, glance.seq)
        return None if waiting is None else job_tag(glance, waiting)

    async def _held(self, call: Call, job: JobRecord, known: str | None) -> tuple[JobRecord, str | None]:
        """The long poll: the job after its next event, or as it is when the wait is over, and what was preferred. A job
        that is over, or is not what the client knows any more, is not waited for."""
        prefer = parse_prefer(call.headers.getlist("prefer"))
        if not prefer.wait:
            return job, None
        wait = min(prefer.wait, self._jobs.settings.wait_max)
        applied = f"wait={wait:.0f}"
        if job.over:
            return job, applied
        if known is not None and not tag_matches(known, job_tag(job, await self._views.waiting(job))):
            return job, applied
        left = call.received + wait - asyncio.get_running_loop().time()
        await while_connected(call.receive, self._jobs.hub.changed(job.id, job.seq, left))
        return await self._jobs.get_record(job.id), applied

    async def result(self, call: Call) -> Response:
        """200 the value, 303 the file, 202 the job while it is not over. Raises JobFailed, JobCancelled."""
        job = await self._find(call, "read")
        if not job.over:
            return accepted_response(job, call.links, {})
        headers = {"ETag": f'"{job.seq}"', "Cache-Control": "private, no-cache"}
        if job.status is Status.COMPLETED and tag_matches(call.headers.get("if-none-match"), headers["ETag"]):
            return Response(None, 304, headers)
        file = await self._file(job, call.links)
        if file is not None:
            return Response(None, 303, {**headers, "Location": file})
        return await result_response(self._jobs, job, headers)

    async def _file(self, job: JobRecord, links: Links) -> str | None:
        """Where the file is that the job's function returned; None when its result is something else."""
        task = self._jobs.tasks.get(job.task)
        if job.status is not Status.COMPLETED or task is None or not _returns_file(task.function):
            return None
        artifact = from_json(await self._jobs.read_result(job))
        return links.artifact(job.id, artifact["name"]) if artifact is not None else None

    async def events(self, call: Call) -> Response:
        """The log as a stream or as a page, by `Accept`."""
        identity = await self._jobs.access.identify(call)
        job = await self._jobs.access.job(identity, self._jobs.store, call.job_id, "read")
        if call.method == "GET" and prefers_stream(call.headers.get("accept")):
            return self._stream(call, identity, [job], several=False)
        return await self._events_page(call.query_params, job)

    async def _events_page(self, query: QueryParams, job: JobRecord) -> Response:
        after = parse_number("after", query.get("after"), 0, at_least=0, at_most=_SEQ_MAX)
        limit = parse_number("limit", query.get("limit"), EVENTS_MAX, at_least=1, at_most=EVENTS_MAX)
        page = await self._jobs.store.events(job.id, after=after, limit=limit)
        # Not the record's seq: events may have come since it was read.
        last = page.events[-1].seq if page.events else max(after, page.first_seq - 1)
        more = len(page.events) == limit
        body = b'{"events":[%s],"first_seq":%d,"last_seq":%d,"more":%s}' % (
            b",".join(map(encode, page.events)),
            page.first_seq,
            last,
            b"true" if more else b"false",
        )
        return Response(body, 200, {"Cache-Control": "private, no-cache", "Vary": "Accept"}, JSON_TYPE)

    async def artifact(self, call: Call) -> Response:
        job = await self._find(call, "read")
        return await send_artifact(call, self._jobs.store, self._jobs.blobs, job.id, call.path_params["name"])

    async def cancel(self, call: Call) -> Response:
        """202 while it is being cancelled, 200 when it is over."""
        await self._find(call, "cancel")
        reason = (await read_object(call, SMALL_BODY, "reason")).get("reason", "requested")
        if not isinstance(reason, str) or not 1 <= len(reason) <= REASON_MAX:
            raise InvalidInput([{"detail": f"expected a text of 1 to {REASON_MAX} characters", "pointer": "#/reason"}])
        job = await self._jobs.cancel(call.job_id, reason)
        if not job.over:
            return accepted_response(job, call.links, {})
        return Response(job_body(job, call.links), 200, {"Cache-Control": "no-store"}, JSON_TYPE)

    async def retry(self, call: Call) -> Response:
        """202 the job, pending again. Raises WrongState while it is not over."""
        await self._find(call, "write")
        return accepted_response(await self._jobs.retry(call.job_id), call.links, {})

    async def delete(self, call: Call) -> Response:
        """204; from then on 410."""
        await self._find(call, "delete")
        await self._jobs.delete(call.job_id)
        return Response(None, 204, {"Cache-Control": "no-store"})

    async def tokens(self, call: Call) -> Response:
        """201: a token for this job alone, for pages and links."""
        identity = await self._jobs.access.identify(call)
        self._jobs.access.full(identity)
        job = await self._jobs.access.job(identity, self._jobs.store, call.job_id, "write")
        given = await read_object(call, SMALL_BODY, "verbs", "expires_in")
        verbs, life = given.get("verbs", ["read", "cancel"]), given.get("expires_in")
        if not isinstance(verbs, list) or not all(isinstance(verb, str) for verb in verbs):
            raise InvalidInput([{"detail": "expected a list of verbs", "pointer": "#/verbs"}])
        if life is not None and (isinstance(life, bool) or not isinstance(life, int | float)):
            raise InvalidInput([{"detail": "expected a number of seconds", "pointer": "#/expires_in"}])
        token, expires_at = await self._jobs.access.tokens.job_token(job.id, job.owner, verbs=verbs, expires_in=life)
        return json_answer({"token": token, "verbs": sorted(set(verbs)), "expires_at": iso(expires_at)}, 201)

    async def _find(self, call: Call, verb: JobVerb) -> JobRecord:
        """The job of the path, if the caller may do this to it. Raises what `Access.job` raises."""
        access = self._jobs.access
        return await access.job(await access.identify(call), self._jobs.store, call.job_id, verb)

    # ── many jobs ──

    async def list(self, call: Call) -> Response:
        """A page of the caller's jobs, newest first; an administrator sees everybody's."""
        identity, query = await self._jobs.access.identify(call), call.query_params
        self._jobs.access.full(identity)
        usual = min(50, self._jobs.settings.page_max)
        page = await self._jobs.list(
            owner=_owner(identity, query.get("owner")),
            status=_statuses(query),
            task=query.get("task"),
            text=_searched(query.get("q")),
            cursor=query.get("cursor") or None,
            limit=parse_number("limit", query.get("limit"), usual, at_least=0, at_most=2**31),
        )
        return json_answer({"jobs": [job_members(job, call.links) for job in page.jobs], "cursor": page.cursor})

    async def delete_many(self, call: Call) -> Response:
        """200: how many of the caller's jobs were removed. Goes on to the end though the client goes away."""
        identity, query = await self._jobs.access.identify(call), call.query_params
        self._jobs.access.full(identity)
        owner = _owner(identity, query.get("owner")) or identity.owner
        statuses, task = _statuses(query), query.get("task")
        _check_meant(query, filtered=bool(statuses or task))
        return json_answer({"deleted": await self._jobs.delete_owned(owner, statuses=statuses, task=task)})

    async def stream(self, call: Call) -> Response:
        """Events of several jobs as one stream. Raises JobNotFound for the first that is not the caller's."""
        identity = await self._jobs.access.identify(call)
        wanted = job_ids(call.query_params.get("jobs", ""), self._jobs.settings.subscriptions_max)
        jobs = [await self._jobs.access.job(identity, self._jobs.store, job_id, "read") for job_id in wanted]
        return self._stream(call, identity, jobs, several=True)

    def _stream(self, call: Call, identity: Identity, jobs: Sequence[JobRecord], *, several: bool) -> Response:
        # A reconnecting EventSource sends the header and its first URL, `after` included: the header is newer.
        cursor = call.headers.get("last-event-id") or call.query_params.get("after") or "0"
        names = [job.id for job in jobs]
        after = {} if several and cursor == "0" else read_cursor(cursor, names)
        start = resume(jobs, after)
        if start is None:
            return Response(None, 204, {"Cache-Control": "no-store"})
        return event_stream(self.live(call.links), start, identity, several=several)

    # ── live ──

    def live(self, links: Links) -> Live:
        """What streams and sockets need, with links as this client sees them."""

        async def body(job: JobRecord) -> bytes:
            return job_body(job, links, await self._views.details(job))

        jobs = self._jobs
        return Live(hub=jobs.hub, access=jobs.access, places=self.places, body=body, cancel=jobs.cancel)

    async def ticket(self, call: Call) -> Response:
        """201: a one-time ticket for a WebSocket."""
        access = self._jobs.access
        identity = await access.identify(call)
        await read_json(call, SMALL_BODY)
        ticket, expires_at = await access.ticket(identity)
        return json_answer({"ticket": ticket, "expires_at": iso(expires_at)}, 201)

    async def socket(self, websocket: WebSocket) -> None:
        await JobSocket(websocket, self.live(links_here(websocket.scope, 1))).run()


def _state_headers(job: JobRecord | Glance, tag: str) -> dict[str, str]:
    """Of an answer that is the job or says that it is the same, 200 and 304 alike."""
    headers = {"Vary": "Prefer", "Cache-Control": "private, no-cache", "ETag": tag}
    poll = poll_after_ms(job)
    if poll is not None:
        headers["Retry-After"] = retry_after(poll / 1000)
    return headers


@lru_cache(maxsize=1024)
def _returns_file(function: Callable[..., Any]) -> bool:
    """Whether its result is a file that it attached: `-> Artifact`."""
    try:
        hint = get_type_hints(function).get("return")
    except NameError:
        return False
    return Artifact in (get_args(hint) or (hint,))


def _task(task: Task[..., Any], links: Links) -> dict[str, JSON]:
    arguments, result = public_schemas(task)
    return {
        "name": task.name,
        "description": task.description,
        "arguments": arguments,
        "result": result,
        "files": list(task.files),
        "submit": links.task(task.name),
    }


def _searched(text: str | None) -> str | None:
    """Raises BadRequest for what no store can look for."""
    if text is not None and len(text) > SEARCH_MAX:
        raise BadRequest(f"q: expected at most {SEARCH_MAX} characters, got {len(text)}.")
    return text or None


def _owner(identity: Identity, asked: str | None) -> str | None:
    """Whose jobs are meant; None: everybody's. Raises Forbidden."""
    if identity.admin:
        return asked or None
    if asked is not None and asked != identity.owner:
        raise Forbidden("Only an administrator may name another owner; leave out owner=.")
    return identity.owner


def _statuses(query: QueryParams) -> list[str]:
    # An empty list is written `status=`, and asks for nothing in particular.
    return [one for text in query.getlist("status") for one in text.split(",") if one]


def _check_meant(query: QueryParams, *, filtered: bool) -> None:
    """Nothing is removed by a slip: a filter that is misspelt, or left empty. Raises BadRequest."""
    for name, value in query.multi_items():
        if name not in _DELETE_FILTERS:
            raise BadRequest(f"{name}: nothing can be deleted by this; known: {', '.join(_DELETE_FILTERS)}")
        if not value.strip(", "):
            raise BadRequest(f"{name}: say which, or leave it out; nothing was deleted.")
    everything = query.get("all", "false")
    if everything not in ("true", "false"):
        raise BadRequest(f"all: expected true or false, got {everything!r}")
    if (everything == "true") == filtered:
        raise BadRequest("Say which jobs to delete: status= and task=, or all=true and neither; nothing was deleted.")
