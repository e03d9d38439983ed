/**
 * Thumbnails as blob URLs: fetched with the key, six at a time, the last few hundred kept.
 *
 * The one on the screen last is fetched first: who scrolls fast does not wait for what has passed.
 */

import { thumbnail } from "./calls.js";

const AT_ONCE = 6;
const KEPT = 300;

const kept = new Map(); // id to {url, blob, users}; those used last stand last
const wanted = new Map(); // id to {users, started, promise, controller}
let underWay = 0;

/**
 * Returns a thumbnail, {url, blob}; `release` it when it has left the screen.
 *
 * @throws {ServiceError | DOMException} it can't be had, or was given up by `release`.
 */
export async function take(id) {
  const there = kept.get(id);
  if (there) {
    kept.delete(id);
    kept.set(id, there);
    there.users += 1;
    return there;
  }
  if (!wanted.has(id)) want(id);
  const entry = wanted.get(id);
  entry.users += 1;
  return entry.promise;
}

/** Says that a thumbnail is no longer shown, or no longer waited for. */
export function release(id) {
  const there = kept.get(id);
  if (there) {
    there.users -= 1;
    evict();
    return;
  }
  const entry = wanted.get(id);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users <= 0) {
    wanted.delete(id);
    entry.controller.abort();
    entry.refuse(entry.controller.signal.reason);
  }
}

/** Forgets a thumbnail: its image was removed or replaced. */
export function forget(id) {
  const there = kept.get(id);
  if (!there) return;
  kept.delete(id);
  URL.revokeObjectURL(there.url);
}

function want(id) {
  const entry = { users: 0, started: false, controller: new AbortController() };
  entry.promise = new Promise((resolve, reject) => {
    entry.resolve = resolve;
    entry.refuse = reject;
  });
  entry.promise.catch(() => {});
  wanted.set(id, entry);
  startNext();
}

function startNext() {
  if (underWay >= AT_ONCE) return;
  const waiting = [...wanted].reverse().find(([, entry]) => !entry.started);
  if (!waiting) return;
  const [id, entry] = waiting;
  entry.started = true;
  underWay += 1;
  fetchOne(id, entry)
    .catch(entry.refuse)
    .finally(() => {
      if (wanted.get(id) === entry) wanted.delete(id);
      underWay -= 1;
      startNext();
    });
}

async function fetchOne(id, entry) {
  const { signal } = entry.controller;
  const response = await thumbnail(id, { signal });
  const blob = await response.blob();
  signal.throwIfAborted();
  const there = { url: URL.createObjectURL(blob), blob, users: entry.users };
  kept.set(id, there);
  wanted.delete(id);
  entry.resolve(there);
  evict();
}

function evict() {
  for (const [id, { users }] of kept) {
    if (kept.size <= KEPT) return;
    if (users <= 0) forget(id);
  }
}
