# A client of Rollcall, to be sourced by bash. It needs curl 7.76 or later, and jq.
#
# It takes the URL from rollcall_url, and from rollcall_token a viewer's or admin's token to ask, or
# an ingest token to send.

# curl, with the token. The token is in no list of processes.
rollcall_curl() {
  curl --silent --show-error --fail-with-body \
    --header @<(printf 'Authorization: Bearer %s\n' "$rollcall_token") "$@"
}

# Sends a request, and again if the server is busy or nobody listens. curl waits for Retry-After. If
# that takes more than 60 seconds, it is an error. An answer that is an error goes to the standard
# error.
rollcall_request() {
  local target=$1 answer status=0
  shift
  answer=$(mktemp)
  rollcall_curl --retry 4 --retry-connrefused --retry-max-time 60 --max-time 60 \
    --output "$answer" "$@" "$rollcall_url$target" || status=$?
  if ((status == 0)); then cat "$answer"; else cat "$answer" >&2; fi
  rm "$answer"
  return "$status"
}

# Asks a question: rollcall_ask top-paths timeRange=7d limit=20
rollcall_ask() {
  local question=$1 parameters=()
  shift
  for parameter in "$@"; do parameters+=(--data-urlencode "$parameter"); done
  rollcall_request "/admin/$question" --get "${parameters[@]}"
}

# Writes every IP as a line of JSON, the one with the most hits first, page by page: at most 10,000.
rollcall_ips() {
  local offset page
  for ((offset = 0; offset < 10000; offset += 1000)); do
    page=$(rollcall_ask breakdown by=ip limit=1000 "offset=$offset" "$@") || return
    jq --compact-output '.groups[]' <<<"$page"
    (($(jq .totalGroups <<<"$page") > offset + 1000)) || return 0
  done
}

# Writes a line of JSON for each IP and path, as the server sends them. If the server cannot finish
# the export, this is an error. No request is sent again, because some rows may be written already.
rollcall_export() {
  local parameters=()
  for parameter in format=ndjson "$@"; do parameters+=(--data-urlencode "$parameter"); done
  rollcall_curl --get "${parameters[@]}" "$rollcall_url/admin/export"
}

# Sends the hits of the standard input, a JSON array, as a batch. It counts once, even if it has to
# be sent again. If a hit was not accepted or was changed, the answer is written, and says which one.
rollcall_send() {
  local key
  key=$(cat /proc/sys/kernel/random/uuid)
  rollcall_request /collect --header "Idempotency-Key: $key" \
    --header 'Content-Type: application/json' --data-binary @-
}
