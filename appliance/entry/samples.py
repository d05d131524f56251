"""What stands in an example of the API's description, by the name of the member, or of its model and the member.

A member with an enumeration, a format, a default or examples of its own needs no row. One that is in none of these
leaves its operation without an example, and a test names it.
"""

from typing import Final

ID: Final = "0199f4a2-7c1e-7b3a-9d4e-2f6a8c0b1d35"
SINCE: Final = "2026-11-24T08:00:00Z"
SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KEY: Final = "sk-…"
CURSOR: Final = "AZn0onwee3qdTi9qjAsdNQ"
SENTENCE: Final = "A taxi is paid when the last train has left."

FORMATS: Final[dict[str, object]] = {
    "uuid": ID,
    "date-time": SINCE,
    "date": "2026-11-24",
    "email": "ann.lee@example.com",
    "binary": "(the file's bytes)",
    "uri": "https://appliance.example.com/",
}

MEDIA: Final[dict[str, str]] = {
    "text/event-stream": 'id: 2\nevent: progress\ndata: {"done": 3, "of": 12}\n\n',
    "application/x-ndjson": '{"category_uid": 3, "class_uid": 3004, "activity_id": 1}\n',
    "text/plain": 'appliance_gateway_tokens_total{kind="prompt",model="smollm2-135m"} 1734.0\n',
    "text/html": '<!doctype html><meta http-equiv="refresh" content="0;url=/">',
    "application/zip": "(the bytes of the archive)",
    "text/csv": "month,tenant,tokens\n2026-11,Works North,182340\n",
}

SAMPLES: Final[dict[str, object]] = {
    "action": "tenant.create",
    "actual": "running",
    "advice": "Look at the present state, then try again.",
    "after": SHA256,
    "answer": SENTENCE,
    "appliance": ID,
    "before": None,
    "contact": "it@example.com",
    "content": SENTENCE,
    "csrf": "3f1c…",
    "customer": "Works Limited",
    "desired": "running",
    "detail": "",
    "details": {},
    "digest": SHA256,
    "digests": [SHA256],
    "document": "travel.md",
    "documents": {"ready": 12},
    "entry": ID,
    "error": None,
    "error_code": None,
    "file": "(the file's text)",
    "fingerprint": SHA256,
    "hash": SHA256,
    "headings": ["Travel", "Taxis"],
    "key": KEY,
    "kind": "ingest",
    "language": "en",
    "languages": ["en"],
    "last_event_id": 0,
    "legs": ["sparse", "dense"],
    "licence": "Apache-2.0",
    "login": "ann.lee",
    "messages": [{"role": "user", "content": "Say hello."}],
    "media_type": "text/markdown",
    "model": "smollm2-135m",
    "name": "Works North",
    "next_cursor": None,
    "note": None,
    "open": {"writing": True},
    "outcome": "done",
    "password": "correct horse battery",
    "provenance": {"model": "smollm2-135m", "prompt": 3},
    "query": "taxi after midnight",
    "question": "Who pays for a taxi at night?",
    "quote": SENTENCE,
    "reason": None,
    "reason_code": None,
    "request_id": "0199f4a27c1e7b3a9d4e2f6a8c0b1d35",
    "root": "vendor-2026",
    "routes": ["default"],
    "scores": {"sparse": {"rank": 1, "score": 7.1}},
    "sha256": SHA256,
    "signature": "q2bX…",
    "source": "10.0.0.7",
    "stage": None,
    "state": "ready",
    "text": SENTENCE,
    "time": SINCE,
    "time_zone": "Europe/Zurich",
    "timings": {"total_ms": 212.4},
    "title": "Travel expenses",
    "token": "in-…",
    "version": "0.1.0",
    # where the same name means another thing
    "CitationView.document": "travel.md",
    "CollectionBody.name": "handbook",
    "CollectionView.name": "handbook",
    "CompletionBody.prompt": "Once upon a time",
    "DeploymentView.name": "default",
    "DocumentView.name": "travel.md",
    "EmbeddingBody.input": SENTENCE,
    "EmbeddingBody.model": "all-minilm-l6-v2",
    "GroupBody.name": "Accounting",
    "GroupView.name": "Accounting",
    "KeyBody.name": "nightly import",
    "KeyView.name": "nightly import",
    "MeView.name": "Ann Lee",
    "NewKeyView.name": "nightly import",
    "Part.name": "index",
    "PullBody.name": "smollm2-135m",
    "RouteView.id": "default",
    "TermsView.id": "L-2026-0042",
    "TermsView.key": "vendor-2026",
    "HeadView.key": "MCowBQYDK2VwAyEA…",
    "UserBody.name": "Ann Lee",
    "UserChange.name": "Ann Lee",
    "UserView.name": "Ann Lee",
}
