/**
 * Where the page is: the part of the address after `#`, as `#/search?id=cat&nprob=20`.
 *
 * The server never sees it; who gets the address sees the same.
 */

import { Store } from "./store.js";

export const route = new Store(read());

window.addEventListener("hashchange", () => route.set(read()));

/** The address of a place, for `href`. Parameters without a value are left out. */
export function to(screen, parameters = {}) {
  const given = Object.entries(parameters).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const query = new URLSearchParams(given).toString();
  return `#/${screen}${query && `?${query}`}`;
}

/** Goes to a place; `replace` leaves no step to go back to. */
export function go(screen, parameters, { replace = false } = {}) {
  const href = to(screen, parameters);
  if (href === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", href);
  route.set(read());
}

/** {screen, parameters}: parameters is an object of strings. */
function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { screen: path || "search", parameters: Object.fromEntries(new URLSearchParams(query)) };
}
