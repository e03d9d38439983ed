/** What an asynchronous answer is drawn as, while it is awaited, there, or refused. */

import { html, useCallback, useEffect, useRef, useState } from "../vendor/preact.js";

const REFUSED = [401, 403]; // as it will be the next time

/**
 * Asks for something when a component comes, and again when `inputs` change.
 *
 * @param {function(AbortSignal): Promise<any>} ask
 * @returns {{value: any, error: Error | null, again: function(): void, renew: function(): void}}
 *   `value` is undefined at first, and stays the old one while a new one is asked for. `renew` is
 *   `again` for `useEvery`: it waits for an answer that is awaited, and leaves a refusal alone.
 */
export function useAnswer(ask, inputs = []) {
  const [state, setState] = useState({ value: undefined, error: null });
  const [turn, setTurn] = useState(0);
  const settled = useRef(false);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    settled.current = false;
    const settle = (change) => {
      if (signal.aborted) return;
      settled.current = true;
      setState(change);
    };
    ask(signal).then(
      (value) => settle({ value, error: null }),
      (error) => settle(({ value }) => ({ value, error })),
    );
    return () => controller.abort();
  }, [...inputs, turn]);
  const again = useCallback(() => setTurn((number) => number + 1), []);
  const renew = () => settled.current && !REFUSED.includes(state.error?.status) && again();
  return { ...state, again, renew };
}

/** Calls `look` every so many milliseconds while the page is in sight. */
export function useEvery(ms, look) {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** The sentence of an error, if there is one, with a way to try again. */
export function Failure({ error, again }) {
  if (!error) return null;
  return html`<div class="failure" role="alert">
    <p>${error.message}</p>
    ${again && html`<button onClick=${again}>Try again</button>`}
  </div>`;
}
