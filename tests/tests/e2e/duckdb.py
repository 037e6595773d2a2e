"""Asks DuckDB the queries of the standard input, a list of JSON, and prints their rows."""

import datetime
import json
import sys

import duckdb


def plain(value: object) -> object:
    """A time as the API spells it. DuckDB gives it in the time zone of the machine."""
    if isinstance(value, datetime.datetime):
        utc = value.astimezone(datetime.timezone.utc)
        return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def rows(query: str) -> list[dict]:
    answer = duckdb.sql(query)
    return [dict(zip(answer.columns, map(plain, row))) for row in answer.fetchall()]


print(json.dumps([rows(query) for query in json.load(sys.stdin)]))
