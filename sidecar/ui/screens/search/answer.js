/** The call of a query and its answer, page by page; one that was overtaken is dropped. */

import { useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import * as calls from "../../service/calls.js";
import { entries, timingsOf, untoken } from "./query.js";

const DEEPEST = 1_000;
const NOTHING = { matches: [], ended: true, answered: 0 }; // `answered` grows with a first page

/** What was found, whether it is under way, `more` of it, and the question `again`. */
export function useSearch(query) {
  const [found, setFound] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const current = useRef();
  const isAsked = Boolean(query.id || query.features || query.like.length);

  const load = async (before, { signal }) => {
    const set = (next) => signal.aborted || setFound((old) => ({ ...old, ...next(old) }));
    set(() => ({ busy: true, error: null }));
    try {
      const page = await ask(query, before, signal);
      set(({ answered }) => ({ ...page, answered: answered + !before.length, busy: false }));
    } catch (error) {
      set(() => ({ matches: before, ended: !before.length, error, busy: false }));
    }
  };

  useLayoutEffect(() => { // at once, not a frame later
    current.current = new AbortController();
    if (isAsked) load([], current.current);
    else setFound(NOTHING);
    return () => current.current.abort();
  }, [JSON.stringify(query), turn]);

  const more = () => found.busy || found.ended || load(found.matches, current.current);
  return { ...found, isAsked, more, again: () => setTurn(turn + 1) };
}

async function ask(query, before, signal) {
  const offset = before.length;
  const num_results = Math.min(query.num_results, DEEPEST - offset);
  const entry = entries.get(query.features) ?? {};
  const began = entry.began ?? performance.now();
  const { call, form, ...how } = plan({ ...query, num_results, offset, fields: true });
  const sent = form && { method: "POST", body: calls.form(form) };
  const response = await calls[call]({ ...how, ...sent, signal });
  const { matches } = await response.json();
  const timings = [...(entry.timings ?? []), ...timingsOf(response)];
  delete entry.timings; // of an upload: that of the next search is its own
  delete entry.began;
  const there = new Set(before.map(({ id }) => id)); // an add meanwhile may bring one twice
  return {
    matches: [...before, ...matches.filter(({ id }) => !there.has(id))],
    ended: matches.length < num_results || offset + num_results >= DEEPEST,
    timings,
    seenMs: performance.now() - began,
    model: response.headers.get("X-Model-Version"),
    index: response.headers.get("X-Generation"),
  };
}

/** The call of a query: its name, its parameters or the fields of its form, its headers. */
function plan({ id, features, box, like, unlike, ...options }) {
  const file = entries.get(features)?.file;
  const image = id || file;
  // Features without their image can't be an example.
  if (like.length || (unlike.length && image)) {
    const all = file ? [...like, file] : [id, ...like].filter(Boolean); // files stand last
    const boxes = box && image && all.map((each) => (each === image ? box : "")).join(";");
    return { call: "recommend", form: { ...options, like: all, unlike, like_boxes: boxes } };
  }
  if (id) return { call: "search", parameters: { ...options, id, box } };
  const [version, vector] = untoken(features);
  return { call: "search", form: { ...options, vector }, headers: { "X-Model-Version": version } };
}
