// Sends a batch of hits, and asks for it in several ways.

import { type Breakdown, type Hit, Rollcall } from "./rollcall.js";

const HITS: Hit[] = [
  { ip: "192.0.2.1", method: "GET", path: "/orders", status: 200, responseTimeMs: 12.5 },
  { ip: "192.0.2.1", method: "GET", path: "/orders", status: 404 },
  { ip: "192.0.2.2", method: "POST", path: "/orders", status: 201 },
];

const { ROLLCALL_URL: url = "http://127.0.0.1:3000", ADMIN_TOKEN, INGEST_TOKEN } = process.env;
const gateway = new Rollcall(url, INGEST_TOKEN ?? "");
const rollcall = new Rollcall(url, ADMIN_TOKEN ?? "");

const report = await gateway.send(HITS);
console.log("sent", report === undefined ? HITS.length : report.accepted);

const timeRange = "24h";
const stats = await rollcall.ask<{ totalRequests: number }>("global-stats", { timeRange });
console.log("requests", stats.totalRequests);

type TopPaths = { paths: { pathKey: string; totalRequests: number }[] };
const top = await rollcall.ask<TopPaths>("top-paths", { timeRange, limit: 5 });
for (const path of top.paths) console.log("path", path.totalRequests, path.pathKey);

const filter = { timeRange, path: "/orders", method: "GET" };
const statuses = await rollcall.ask<Breakdown>("breakdown", { by: "statusCode", ...filter });
for (const group of statuses.groups) console.log("status", group.totalRequests, group.name);

let [ips, requests] = [0, 0];
for await (const ip of rollcall.ips({ timeRange })) {
  ips += 1;
  requests += ip.totalRequests;
}
console.log("IPs", ips, "with", requests, "requests");

let [rows, hits] = [0, 0];
for await (const row of rollcall.export({ dateRange: "1d" })) {
  rows += 1;
  hits += row.count;
}
console.log("exported", rows, "rows of", hits, "requests");
