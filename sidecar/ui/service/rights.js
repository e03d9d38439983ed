/** What the key of this page opens, so that what it may not do is greyed out. */

import { me } from "./calls.js";
import { asking, key } from "./key.js";
import { Store } from "./store.js";

/** {name, scopes} as GET /similarity/me answers; null until it has. */
export const rights = new Store(null);

let awaited = null;

/** Asks who we are. */
export function askRights() {
  awaited ??= me()
    .then((answer) => rights.set(answer))
    .finally(() => (awaited = null));
  return awaited;
}

// Another key may open something else.
asking.watch((asked) => {
  if (!asked && key()) askRights().catch(() => {});
});

export function may(scope) {
  return rights.get()?.scopes.includes(scope) ?? false;
}
