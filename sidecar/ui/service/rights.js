/** What the key of this page opens, so that what it may not do is greyed out. */

import { me } from "./calls.js";
import { Store } from "./store.js";

/** {name, scopes} as GET /similarity/me answers; null until it has. */
export const rights = new Store(null);

/** Asks who we are; again after another key was given. */
export async function askRights() {
  rights.set(await me());
}

export function may(scope) {
  return rights.get()?.scopes.includes(scope) ?? false;
}
