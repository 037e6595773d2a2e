"""Tells schemathesis things that the API's description cannot: how to make formats that it does not
know and bodies that are no JSON, and which parameters belong together."""

import ipaddress
import json
from datetime import datetime, timezone

import schemathesis
from hypothesis import strategies as st

networks = st.builds(
    lambda address, length: f"{address}/{length % (address.max_prefixlen + 1)}",
    st.ip_addresses(),
    st.integers(0, 128),
)
schemathesis.openapi.format("cidr", networks)

times = st.datetimes(datetime(1974, 1, 1), datetime(2025, 1, 1), timezones=st.just(timezone.utc))
schemathesis.openapi.format("date-time", times.map(datetime.isoformat))
schemathesis.openapi.format("date", times.map(lambda time: f"{time:%Y-%m-%d}"))

addresses = st.ip_addresses().map(str)
methods = st.sampled_from(["GET", "post", "M-SEARCH"])
paths = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), max_size=40).map("/".__add__)
statuses = st.integers(100, 599)
sizes = st.integers(0, 1 << 40)
hits = st.fixed_dictionaries(
    {"ip": addresses, "method": methods, "path": paths},
    optional={"status": statuses, "bytes": sizes, "responseTimeMs": st.floats(0, 86_400_000)},
)
log_lines = st.builds(
    lambda ip, time, method, path, status, size: f'{ip} - - [{time:%d/%b/%Y:%H:%M:%S %z}] "{method} {path} HTTP/1.1" {status} {size}',
    addresses,
    times,
    methods,
    paths,
    statuses,
    sizes,
)


def lines(of):
    return st.lists(of, min_size=1, max_size=20).map("\n".join)


schemathesis.openapi.format("ndjson", lines(hits.map(json.dumps)))
schemathesis.openapi.format("access-log", lines(log_lines))

NDJSON = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"]


@schemathesis.serializer(*NDJSON)
def as_it_is(_, value):
    return str(value).encode()


FORMATS = {"application/json": "json", "text/plain": "combined"} | dict.fromkeys(NDJSON, "ndjson")


def known_formats(case):
    """The values that the description lists for `format`."""
    parameters = case.operation.schema.raw_schema["paths"]["/collect"]["post"]["parameters"]
    return next(of["schema"]["enum"] for of in parameters if of["name"] == "format")


def is_network(text):
    """The description alone does not tell a bad one from a good one. A bad one stays as it is."""
    try:
        return bool(ipaddress.ip_network(str(text), strict=False))
    except ValueError:
        return False


@schemathesis.hook
def before_call(_, case, kwargs):
    """Makes a request valid where the description alone cannot: `format` names the form that the body
    has, no hit is of the future, an interval has no window beside it and ends after its beginning,
    a breakdown by what no IP knows has no filter, a label is there, and a comparison and a rate limit are about days that
    are kept."""
    given = case.query or {}
    if case.path in ("/admin/movers", "/admin/backtest") and is_network(given.get("ip") or "::"):
        for name in ("from", "to"):
            case.query.pop(name, None)
        if given.get("timeRange") in ("90d", "all"):
            case.query["timeRange"] = "30d"
        if "/" in str(given.get("against")):
            case.query["against"] = "week"
        if "per" in given:
            case.query["timeRange"] = "1h"
    if "from" in given or "to" in given:
        case.query.pop("timeRange", None)
        case.query.pop("dateRange", None)
    if "from" in given and "to" in given and str(given["from"])[:10] >= str(given["to"])[:10]:
        case.query.pop("to")
    if given.get("ip") in ("", [], [""]):
        case.query.pop("ip")
    if given.get("by") in ("host", "consumer", "protocol", "referrer", "bot", "userAgent", "hourOfWeek"):
        for name in ("via", "ip", "pathPrefix", "path", "method", "status", "country", "network", "label"):
            case.query.pop(name, None)
    # No label is there. A text that is not to be sent stays as it is.
    if isinstance(given.get("label"), str) and 0 < len(given["label"]) <= 64:
        case.query["label"] = "*"
    if case.path != "/collect":
        return
    if case.query.get("format") in known_formats(case):
        case.query["format"] = FORMATS.get(case.media_type, case.query["format"])
    now_ms = datetime.now().timestamp() * 1000
    for hit in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(hit, dict) and isinstance(hit.get("timestamp"), (int, float)):
            hit["timestamp"] = min(hit["timestamp"], int(now_ms))
