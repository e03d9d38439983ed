/** A value that parts of the page look at together. */

import { useEffect, useState } from "../vendor/preact.js";

export class Store {
  #value;
  #watchers = new Set();

  constructor(value) {
    this.#value = value;
  }

  get() {
    return this.#value;
  }

  set(value) {
    if (value === this.#value) return;
    this.#value = value;
    for (const watcher of this.#watchers) watcher(value);
  }

  /** Calls `watcher` with each new value; returns what ends that. */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** The value of a store, for a component that is drawn anew when it changes. */
export function useStore(store) {
  const [, draw] = useState(0);
  useEffect(() => store.watch(() => draw((count) => count + 1)), [store]);
  return store.get();
}
