/** Lists that are longer than a call takes. */

import { removeMany } from "./calls.js";
import { forget } from "./thumbnails.js";

export const MOST = 1000; // entries of a request

/** Calls `send` with one block of a list after another. */
export async function inBlocks(entries, send) {
  for (let at = 0; at < entries.length; at += MOST) await send(entries.slice(at, at + MOST));
}

/** Removes images; `onBlock` hears which have gone. */
export const removeAll = (ids, onBlock) =>
  inBlocks(ids, async (block) => {
    await removeMany(block);
    block.forEach(forget);
    onBlock?.(block);
  });
