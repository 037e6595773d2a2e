#!/usr/bin/env bash
# Sends a batch of hits, and asks for it in several ways.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/rollcall.sh"
rollcall_url=${ROLLCALL_URL:-http://127.0.0.1:3000}

rollcall_token=$INGEST_TOKEN
report=$(rollcall_send <<'HITS'
[
  {"ip": "192.0.2.1", "method": "GET", "path": "/orders", "status": 200, "responseTimeMs": 12.5},
  {"ip": "192.0.2.1", "method": "GET", "path": "/orders", "status": 404},
  {"ip": "192.0.2.2", "method": "POST", "path": "/orders", "status": 201}
]
HITS
)
if [ -z "$report" ]; then echo "sent 3"; else jq --raw-output '"sent \(.accepted)"' <<<"$report"; fi

rollcall_token=$ADMIN_TOKEN
rollcall_ask global-stats timeRange=24h | jq --raw-output '"requests \(.totalRequests)"'
rollcall_ask top-paths timeRange=24h limit=5 |
  jq --raw-output '.paths[] | "path \(.totalRequests) \(.pathKey)"'
rollcall_ask breakdown by=statusCode timeRange=24h path=/orders method=GET |
  jq --raw-output '.groups[] | "status \(.totalRequests) \(.name)"'
rollcall_ips timeRange=24h |
  jq --slurp --raw-output '"IPs \(length) with \(map(.totalRequests) | add // 0) requests"'
rollcall_export dateRange=1d |
  jq --null-input --raw-output \
    'reduce inputs as $row ([0, 0]; [.[0] + 1, .[1] + $row.count]) |
      "exported \(.[0]) rows of \(.[1]) requests"'
