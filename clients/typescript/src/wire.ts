/** One request and its answer: who asks, how long to wait, and whether it was our server that answered. */

export interface Problem {
  code?: string;
  detail?: string;
  recovery?: string;
}

/** Nobody answered, or somebody else did: a captive portal, a proxy, half an answer. */
export class NoNetwork extends Error {}

/** The server itself said no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem = {},
    readonly retryAfterS = 0,
  ) {
    super(`${status} ${problem.code ?? ""} ${problem.detail ?? ""}`.trim());
  }
}

export interface WireOptions {
  /** Where the API is, without the `/v1`. */
  baseUrl: string;
  /** The device's access token, asked for at each request. */
  token: () => Promise<string>;
  /** Gets a new token after a 401; throws when the person has to sign in again. */
  refresh: () => Promise<unknown>;
  fetch?: typeof fetch;
  timeoutMs?: number;
}

export interface Request {
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** Shorter texts than this are not worth packing, in bytes. */
const WORTH_PACKING = 512;

export class Wire {
  constructor(private readonly options: WireOptions) {}

  /** The answer's JSON; undefined for 204. Throws `NoNetwork` or `Refused`. */
  async json(method: string, path: string, payload?: unknown): Promise<any> {
    const answer = await this.request(method, path, payload === undefined ? {} : await packed(JSON.stringify(payload)));
    return answer.status === 204 ? undefined : parsed(answer.text);
  }

  /** An answer of 200 to 299 of our own server. Throws `NoNetwork` or `Refused`. */
  async request(method: string, path: string, request: Request = {}): Promise<Answer> {
    let answer = await this.attempt(method, path, request);
    if (answer.status === 401) {
      await this.options.refresh().catch(signedOut);
      answer = await this.attempt(method, path, request);
    }
    if (answer.status >= 400) throw new Refused(answer.status, problem(answer.text), seconds(answer.headers));
    return answer;
  }

  /** An address that the server gave, as a path of ours: the token goes nowhere else. */
  path(address: string): string {
    const prefix = this.options.baseUrl.replace(HOST, "");
    const path = address.replace(HOST, "");
    return prefix && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
  }

  /** A request with the token whose answer is read by the caller, for streams. */
  async open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    return this.fetch(path, { headers: { ...headers, ...(await this.authorization()) }, signal });
  }

  private async attempt(method: string, path: string, { headers, body }: Request): Promise<Answer> {
    const authorization = await this.authorization();
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), this.options.timeoutMs ?? 60_000);
    try {
      const init: RequestInit = { method, headers: { ...headers, ...authorization }, signal: patience.signal };
      if (body !== undefined) init.body = body as BodyInit;
      const response = await this.fetch(path, init);
      const answer = { status: response.status, headers: response.headers, text: await response.text() };
      if (!isOurs(answer)) throw new NoNetwork(`${answer.status} of somebody else`);
      return answer;
    } catch (error) {
      throw error instanceof NoNetwork ? error : new NoNetwork(String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  private fetch(path: string, init: RequestInit): Promise<Response> {
    const send = this.options.fetch ?? globalThis.fetch;
    return send(this.options.baseUrl + path, { ...init, redirect: "manual", cache: "no-store", credentials: "omit" });
  }

  private async authorization(): Promise<Record<string, string>> {
    const token = await this.options.token().catch(signedOut);
    return { Authorization: `Bearer ${token}` };
  }
}

const HOST = /^[a-z]+:\/\/[^/]+/i;

function isOurs(answer: { status: number; headers: Headers }): boolean {
  const { status } = answer;
  return answer.headers.get("sync-protocol") !== null && ((status >= 200 && status < 300) || status >= 400);
}

function signedOut(error: unknown): never {
  throw error instanceof NoNetwork ? error : new Refused(401, { code: "signed_out", detail: String(error) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NoNetwork("half an answer");
  }
}

function problem(text: string): Problem {
  try {
    return (JSON.parse(text) as Problem) ?? {};
  } catch {
    return {};
  }
}

function seconds(headers: Headers): number {
  const said = Number(headers.get("retry-after"));
  return Number.isFinite(said) && said > 0 ? said : 0;
}

async function packed(text: string): Promise<Request> {
  const headers = { "Content-Type": "application/json" };
  if (typeof CompressionStream === "undefined" || text.length < WORTH_PACKING) return { headers, body: text };
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = new Uint8Array(await new Response(stream).arrayBuffer());
  return { headers: { ...headers, "Content-Encoding": "gzip" }, body };
}
