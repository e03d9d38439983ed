/** What an asynchronous answer is drawn as, while it is awaited, there, or refused. */

import { html, useCallback, useEffect, useRef, useState } from "../vendor/preact.js";

/**
 * Asks for something when a component comes, and again when `inputs` change.
 *
 * @param {function(AbortSignal): Promise<any>} ask
 * @returns {{value: any, error: Error | null, again: function(): void}} `value` is undefined at
 *   first, and stays the old one while a new one is asked for.
 */
export function useAnswer(ask, inputs = []) {
  const [state, setState] = useState({ value: undefined, error: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    ask(controller.signal).then(
      (value) => controller.signal.aborted || setState({ value, error: null }),
      (error) => controller.signal.aborted || setState(({ value }) => ({ value, error })),
    );
    return () => controller.abort();
  }, [...inputs, turn]);
  return { ...state, again: useCallback(() => setTurn((number) => number + 1), []) };
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

/** The sentence of an error, with a way to try again. */
export function Failure({ error, again }) {
  return html`<div class="failure" role="alert">
    <p>${error.message}</p>
    ${again && html`<button type="button" onClick=${again}>Try again</button>`}
  </div>`;
}
