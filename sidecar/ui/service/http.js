/**
 * One request to the service: with its key, and again where the service is away for a moment.
 *
 * All paths are relative to the folder above this page, so that a proxy may put a prefix before it.
 */

import { ask, key } from "./key.js";
import { Store } from "./store.js";

const BASE = new URL("../", document.baseURI);
const PATIENCE_MS = 60_000;
const AGAIN = [429, 503];
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
const UNKNOWN = "This key is unknown. ";
const WANTED = "The service asks for an API key.";

/** What the service is waited for, in words; "" where nothing is. */
export const trouble = new Store("");

const waited = new Map(); // a request to what it waits for

/** An answer that is no success. `word` is the service's own, the message its sentence. */
export class ServiceError extends Error {
  constructor(status, answer) {
    super(answer.detail || answer.message || `the service answered ${status}`);
    this.status = status;
    this.word = answer.message ?? "";
    this.answer = answer;
  }
}

/** The address of a call, parameters without a value left out. */
export function address(path, parameters = {}) {
  const url = new URL(path.replace(/^\//, ""), BASE);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/**
 * Sends a request and returns the Response, a success.
 *
 * @param {{method?: string, parameters?: object, body?: any, headers?: object,
 *   signal?: AbortSignal, patience?: number, keepalive?: boolean}} how `patience`: for how many
 *   milliseconds it is sent again while the service is away; `keepalive`: it outlives the page.
 * @throws {ServiceError} the service refused it, or was away for too long (status 0).
 */
export async function request(path, how = {}) {
  const url = address(path, how.parameters);
  const until = performance.now() + (how.patience ?? PATIENCE_MS);
  const mine = Symbol(path);
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const { response, error } = await attempt(url, how);
      if (response?.ok) return response;
      if (error.status === 401 && (await ask(error.message))) continue;
      const isAway = error.status === 0 || AGAIN.includes(error.status);
      if (!isAway || performance.now() > until) throw error;
      wait(mine, error.message);
      const asked = 1000 * Number(response?.headers.get("Retry-After") ?? 0);
      await sleep(Math.max(pause, asked), how.signal);
    }
  } finally {
    wait(mine, "");
  }
}

/** Sends a request and returns its JSON. As `request`. */
export async function json(path, how) {
  return (await request(path, how)).json();
}

export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function wait(request, words) {
  waited.delete(request);
  if (words) waited.set(request, words);
  trouble.set([...waited.values()].at(-1) ?? "");
}

/** Sends a request once, with its key, and returns the Response, whatever it says. */
export function once(url, { method = "GET", body, headers = {}, signal, keepalive } = {}) {
  const secret = key();
  const given = secret ? { ...headers, Authorization: `Bearer ${secret}` } : headers;
  return fetch(url, { method, body, headers: given, signal, keepalive });
}

async function attempt(url, how) {
  try {
    const response = await once(url, how);
    return response.ok ? { response } : { response, error: await errorOf(response) };
  } catch (error) {
    if (how.signal?.aborted) throw error;
    return { error: new ServiceError(0, { detail: "The service does not answer" }) };
  }
}

async function errorOf(response) {
  const answer = await response.json().catch(() => ({}));
  // Its own sentence is for programmers.
  if (response.status === 401) answer.detail = `${key() ? UNKNOWN : ""}${WANTED}`;
  return new ServiceError(response.status, answer);
}
