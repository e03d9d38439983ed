/**
 * The API key. It is asked for when the service wants one, and kept for this tab alone:
 * sessionStorage ends with it, and no other site can read it.
 */

import { Store } from "./store.js";

const PLACE = "similarity.key";

/** Who waits for a key: {why, answer(key or null)}; null where nobody does. */
export const asking = new Store(null);

let waiting = null;

export function key() {
  return sessionStorage.getItem(PLACE) ?? "";
}

export function forget() {
  sessionStorage.removeItem(PLACE);
}

/** Asks the user for a key, once for all that wait. Returns whether one was given. */
export function ask(why) {
  waiting ??= new Promise((resolve) => {
    asking.set({
      why,
      answer(given) {
        if (given) sessionStorage.setItem(PLACE, given);
        waiting = null;
        asking.set(null);
        resolve(Boolean(given));
      },
    });
  });
  return waiting;
}
