"""Asks DuckDB the same questions: one local table of the same raw hits, two threads.

usage: peer.py DATABASE FILES WEEK_MS MONTH_MS

FILES is a glob of NDJSON files. A window begins at WEEK_MS or MONTH_MS, in milliseconds since 1970.
Prints JSON: the number of hits, the seconds that loading took, the ten most called paths of the
week, and the median of each query in milliseconds. A query is run with exact and with approximate
percentiles. The faster way counts.
"""

import json
import statistics
import sys
import time

import duckdb

TIMES = 7

database, files, week, month = sys.argv[1:]
connection = duckdb.connect(database, config={"threads": 2})

begun = time.perf_counter()
connection.execute(
    f"""
    CREATE TABLE hits AS
    SELECT ip, method || ' ' || path AS path_key, method, epoch_ms("timestamp") AS seen, status,
           "responseTimeMs" AS took, bytes, country
    FROM read_json('{files}', format = 'newline_delimited', columns = {{
        ip: 'VARCHAR', method: 'VARCHAR', path: 'VARCHAR', "timestamp": 'BIGINT',
        status: 'USMALLINT', "responseTimeMs": 'DOUBLE', bytes: 'BIGINT', country: 'VARCHAR'}})
    """
)
loaded = time.perf_counter() - begun

SUMS = """count(*) AS requests, count(*) FILTER (WHERE status >= 400) AS errors, avg(took),
          quantile_cont(took, [0.5, 0.95, 0.99]), sum(bytes)"""
WAYS = ["quantile_cont", "approx_quantile"]


def since(ms):
    return f"FROM hits WHERE seen >= epoch_ms({ms})"


def totals(hits):
    return f"SELECT {SUMS}, count(DISTINCT ip), count(DISTINCT path_key) {hits}"


def top_paths(hits):
    return f"""SELECT path_key, {SUMS}, count(DISTINCT ip), min(seen), max(seen) {hits}
               GROUP BY path_key ORDER BY requests DESC, path_key LIMIT 10"""


def top_ips(hits):
    return f"""SELECT ip, {SUMS}, count(DISTINCT path_key), min(seen), max(seen) {hits}
               GROUP BY ip ORDER BY requests DESC, ip LIMIT 10"""


def by(key, hits):
    return f"SELECT {key}, {SUMS}, count(DISTINCT ip) {hits} GROUP BY 1 ORDER BY requests DESC"


def timeseries(hits):
    return f"SELECT date_trunc('day', seen) AS day, {SUMS} {hits} GROUP BY day ORDER BY day"


week_hits, month_hits, all_hits = since(week), since(month), "FROM hits"
queries = {
    "top-paths 7d": [top_paths(week_hits)],
    "top-paths 30d": [top_paths(month_hits)],
    "top-ips 7d": [top_ips(week_hits)],
    "overview 7d": [
        totals(week_hits),
        top_paths(week_hits),
        top_ips(week_hits),
        f"SELECT country, count(*) {week_hits} GROUP BY country ORDER BY 2 DESC LIMIT 10",
        f"SELECT method, count(*) {week_hits} GROUP BY method ORDER BY 2 DESC",
        timeseries(week_hits),
    ],
    "global-stats 7d": [totals(week_hits), top_paths(week_hits)],
    "global-stats all": [totals(all_hits), top_paths(all_hits)],
    "timeseries 7d": [timeseries(week_hits)],
    "countries 7d": [by("country", week_hits)],
}


def median_ms(statements, way):
    statements = [statement.replace(WAYS[0], way) for statement in statements]
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        for statement in statements:
            connection.execute(statement).fetchall()
        times.append((time.perf_counter() - begun) * 1_000)
    return statistics.median(times)


top = connection.execute(top_paths(week_hits)).fetchall()
print(
    json.dumps(
        {
            "version": duckdb.__version__,
            "hits": connection.execute("SELECT count(*) FROM hits").fetchone()[0],
            "loaded_s": loaded,
            "top_paths": [[row[0], row[1]] for row in top],
            "median_ms": {
                name: min(median_ms(each, way) for way in WAYS) for name, each in queries.items()
            },
        }
    )
)
