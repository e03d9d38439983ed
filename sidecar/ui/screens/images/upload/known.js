/** Which uploads are stored already: asked by their SHA-256, before they are sent. */

import { check } from "../../../service/calls.js";

const BLOCK = 50; // files that are read and asked for while others are sent
const LARGEST = 64 << 20; // bytes of a file that is read to hash it
// What no id has: the service would refuse the whole list.
const REFUSED = /[/\\?#%\ufffd\p{Cc}\p{Cs}\p{Co}]|^\s|\s$|^\.{0,2}$|^.{256}/u;

/** Yields what of a queue, which may grow, has to be sent; `settle(entry, state, why)` the rest. */
export async function* unknown(queue, signal, settle) {
  const take = () => {
    const block = queue.length && asked(queue.splice(0, BLOCK), signal, settle);
    block?.catch?.(() => {}); // it is awaited, unless nobody goes on
    return block;
  };
  for (let block = take(), ahead; block; block = ahead || take()) {
    const entries = await block;
    ahead = take();
    yield* entries;
  }
}

async function asked(block, signal, settle) {
  const hashed = [];
  for (const entry of block) {
    signal.throwIfAborted();
    try {
      const sha256 = await sha256Of(entry.file);
      if (sha256 && !REFUSED.test(entry.id)) hashed.push([entry, { id: entry.id, sha256 }]);
    } catch {
      settle(entry, "failed", "it can't be read: it was moved or changed");
    }
  }
  if (hashed.length) {
    const states = await statesOf(hashed.map(([, wanted]) => wanted), signal);
    hashed.forEach(([entry], at) => states[at]?.state === "same" && settle(entry, "before"));
  }
  return block.filter(({ state }) => state === "waiting");
}

async function statesOf(wanted, signal) {
  try {
    return (await check(wanted, { signal })).images;
  } catch (error) {
    if (error.status !== 400) throw error;
    return []; // one is no id: each learns it by itself
  }
}

/** In hex; "" where browsers do not hash: on http:// pages of another machine. */
async function sha256Of(file) {
  if (!crypto.subtle || file.size > LARGEST) return "";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (each) => each.toString(16).padStart(2, "0")).join("");
}
