"""Sends a batch of hits, and asks for it in several ways."""

import os

from rollcall import Rollcall

HITS = [
    {"ip": "192.0.2.1", "method": "GET", "path": "/orders", "status": 200, "responseTimeMs": 12.5},
    {"ip": "192.0.2.1", "method": "GET", "path": "/orders", "status": 404},
    {"ip": "192.0.2.2", "method": "POST", "path": "/orders", "status": 201},
]

url = os.environ.get("ROLLCALL_URL", "http://127.0.0.1:3000")
gateway = Rollcall(url, os.environ["INGEST_TOKEN"])
rollcall = Rollcall(url, os.environ["ADMIN_TOKEN"])

report = gateway.send(HITS)
print("sent", len(HITS) if report is None else report["accepted"])

stats = rollcall.ask("global-stats", timeRange="24h")
print("requests", stats["totalRequests"])

for path in rollcall.ask("top-paths", timeRange="24h", limit=5)["paths"]:
    print("path", path["totalRequests"], path["pathKey"])

statuses = rollcall.ask("breakdown", by="statusCode", timeRange="24h", path="/orders", method="GET")
for group in statuses["groups"]:
    print("status", group["totalRequests"], group["name"])

ips = list(rollcall.ips(timeRange="24h"))
print("IPs", len(ips), "with", sum(ip["totalRequests"] for ip in ips), "requests")

rows = hits = 0
for row in rollcall.export(dateRange="1d"):
    rows += 1
    hits += row["count"]
print("exported", rows, "rows of", hits, "requests")
