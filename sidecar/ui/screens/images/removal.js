/**
 * Removes images after a while in which that can be undone. A page that closes sends it at once:
 * the images had left the screen, and should not be there again after a reload.
 */

import { say } from "../../parts/notices.js";
import { count } from "../../parts/words.js";
import { removeMany } from "../../service/calls.js";
import { MOST, removeAll } from "../../service/many.js";
import { Store } from "../../service/store.js";

const PAUSE_MS = 10_000;
const LAST_WORDS = 60_000; // bytes, of the 64 KiB that a browser sends for a page that has closed

/** The ids of what is about to be removed: it is not shown. */
export const leaving = new Store(new Set());

/** What was removed last. */
export const removed = new Store([]);

const waiting = new Set(); // of {ids, timer, drop}

export function removeSoon(ids) {
  const removal = { ids, timer: setTimeout(() => send(removal), PAUSE_MS) };
  waiting.add(removal);
  leaving.set(new Set([...leaving.get(), ...ids]));
  const action = { label: "Undo", press: () => undo(removal) };
  removal.drop = say(`Removing ${count(ids.length, "image")}…`, { ms: PAUSE_MS, action });
}

/** Undoes a removal, or the last one. */
export function undo(removal = [...waiting].at(-1)) {
  if (!waiting.delete(removal)) return;
  clearTimeout(removal.timer);
  removal.drop();
  stay(removal.ids);
}

function stay(ids) {
  const left = new Set(leaving.get());
  for (const id of ids) left.delete(id);
  leaving.set(left);
}

async function send(removal) {
  waiting.delete(removal);
  const left = [...removal.ids];
  try {
    await removeAll(removal.ids, (block) => {
      removed.set(block);
      stay(left.splice(0, block.length));
    });
  } catch (error) {
    stay(left);
    const which = count(left.length, "image was", "images were");
    say(`${error.message}. ${which} not removed.`, { isError: true });
  }
}

addEventListener("pagehide", () => {
  let room = LAST_WORDS;
  const ids = [...waiting].flatMap((removal) => removal.ids);
  const fitting = ids.filter((id) => (room -= 3 * id.length + 3) > 0); // 3 bytes a character
  for (const { timer } of waiting) clearTimeout(timer);
  waiting.clear();
  while (fitting.length) {
    const how = { keepalive: true, patience: 0 };
    removeMany(fitting.splice(0, MOST), how).catch(() => {});
  }
});
