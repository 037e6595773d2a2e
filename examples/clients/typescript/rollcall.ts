// A client of Rollcall. It needs the fetch of Node 20 or later, and no package.

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** A request is sent at most this often. */
const TRIES = 5;
/** The longest wait before it is sent again. If the server asks for more, this is an error. */
const WAIT_MAX_S = 60;
/** The longest time for a request and the head of its answer. */
const TIMEOUT_MS = 60_000;
/** The most groups in one answer, and the most that all pages show. */
const PAGE = 1_000;
const GROUPS_MAX = 10_000;

export interface Hit {
  ip: string;
  method?: string;
  path?: string;
  timestamp?: string;
  status?: number;
  responseTimeMs?: number;
  bytes?: number;
  userAgent?: string;
}

/** The answer to a batch of which not every hit was accepted as it came. */
export interface Report {
  accepted: number;
  rejected: number;
  rejections: { number: number; field: string; reason: string }[];
}

export interface Group {
  name: string;
  totalRequests: number;
}

export interface Breakdown {
  totalGroups: number;
  groups: Group[];
}

/** An IP on a path. */
export interface Row {
  ip: string;
  pathKey: string;
  count: number;
  firstSeen: string;
  lastAccessed: string;
  bytes: number | null;
  avgResponseTime: number | null;
}

export type Parameters = Record<string, string | number | boolean>;

/** Rollcall refused a request. */
export class RollcallError extends Error {
  constructor(readonly status: number, detail: string) {
    super(`${status}: ${detail}`);
  }
}

export class Rollcall {
  /** The token is a viewer's or an admin's to ask, and an ingest token to send. */
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** Asks a question, as `ask("top-paths", { timeRange: "7d", limit: 20 })`. */
  async ask<Answer>(question: string, parameters: Parameters = {}): Promise<Answer> {
    const answer = await this.request(`/admin/${question}?${query(parameters)}`);
    return (await answer.json()) as Answer;
  }

  /** Every IP, the one with the most hits first, page by page: at most 10,000. */
  async *ips(filters: Parameters = {}): AsyncGenerator<Group> {
    for (let offset = 0; offset < GROUPS_MAX; offset += PAGE) {
      const parameters = { by: "ip", limit: PAGE, offset, ...filters };
      const page = await this.ask<Breakdown>("breakdown", parameters);
      yield* page.groups;
      if (offset + PAGE >= page.totalGroups) return;
    }
  }

  /**
   * A row for each IP and path, as the server sends them. If the server cannot finish the export,
   * this throws.
   */
  async *export(parameters: Parameters = {}): AsyncGenerator<Row> {
    const asked = query({ format: "ndjson", ...parameters });
    const answer = await this.request(`/admin/export?${asked}`);
    let rest = "";
    for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + part).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield JSON.parse(line) as Row;
    }
  }

  /**
   * Sends a batch. It counts once, even if it has to be sent again. `undefined`: every hit was
   * accepted. Else the answer says which ones were not, or were changed.
   */
  async send(hits: Hit[]): Promise<Report | undefined> {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": randomUUID() };
    const body = JSON.stringify(hits);
    const answer = await this.request("/collect", { method: "POST", headers, body });
    const report = await answer.text();
    return report === "" ? undefined : (JSON.parse(report) as Report);
  }

  /** Sends a request, and again if the server is busy or does not answer. */
  private async request(target: string, init: RequestInit = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.token}`, ...init.headers };
    for (let tries = 1; ; tries += 1) {
      let wait = 2 ** tries;
      try {
        const answer = await this.fetch(target, { ...init, headers });
        if (answer.ok) return answer;
        wait = Number(answer.headers.get("Retry-After")) || wait;
        const isBusy = answer.status === 429 || answer.status === 503;
        if (!isBusy || tries === TRIES || wait > WAIT_MAX_S) throw await refusal(answer);
        await answer.body?.cancel();
      } catch (error) {
        if (error instanceof RollcallError || tries === TRIES) throw error;
      }
      await sleep(wait * 1_000);
    }
  }

  /** The answer, whose body may come later: an export may take as long as it needs. */
  private async fetch(target: string, init: RequestInit): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), TIMEOUT_MS);
    try {
      return await fetch(this.url + target, { ...init, signal: late.signal });
    } finally {
      clearTimeout(timer);
    }
  }
}

function query(parameters: Parameters): URLSearchParams {
  const pairs = Object.entries(parameters).map(([name, value]) => [name, String(value)]);
  return new URLSearchParams(pairs);
}

/** The words of a problem document (RFC 9457). */
async function refusal(answer: Response): Promise<RollcallError> {
  const text = await answer.text();
  try {
    const problem = JSON.parse(text) as { title: string; detail?: string };
    return new RollcallError(answer.status, problem.detail ?? problem.title);
  } catch {
    return new RollcallError(answer.status, answer.statusText);
  }
}
