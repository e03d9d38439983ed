/** The images that are shown, page by page. */

import { useCallback, useEffect, useRef, useState } from "../../vendor/preact.js";
import { form, images, search } from "../../service/calls.js";
import { filterOf } from "./filters.js";

const PAGE = 200;
const MOST = 1000; // that a search answers
// Only a search knows fields, and it wants an image: any, since all that meet the filter are asked
// for. This is a grey point.
const POINT = "R0lGODlhAQABAIAAAICAgAAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";
const NONE = { rows: [], next: undefined, error: null };

/**
 * Lists the images of a keyword or of fields, or all, the newest first: `rows` of {id, score}.
 * `next` is null when all are there; `renew` asks for the first page again, `again` for what has
 * failed.
 */
export function useRows(keyword, fields) {
  const [state, setState] = useState(NONE);
  const latest = useRef();
  latest.current = state;
  const underWay = useRef(null);

  const ask = useCallback(
    (after, joined) => {
      if (underWay.current) return;
      const { signal } = (underWay.current = new AbortController());
      const become = (change) => {
        if (signal.aborted) return;
        underWay.current = null;
        setState((before) => ({ ...before, error: null, ...change(before) }));
      };
      pageOf(keyword, fields, after, signal).then(
        (page) => become((before) => joined(before, page)),
        (error) => become(() => ({ error })),
      );
    },
    [keyword, fields],
  );
  const again = useCallback(() => ask(latest.current.next, joined), [ask]);
  const more = useCallback(() => {
    const { next, error } = latest.current;
    if (next !== null && !error) again();
  }, [again]);
  useEffect(() => {
    setState(NONE);
    ask(undefined, joined);
    return () => {
      underWay.current?.abort();
      underWay.current = null;
    };
  }, [ask]);
  const drop = useCallback((ids) => {
    setState((before) => ({ ...before, rows: without(before.rows, new Set(ids)) }));
  }, []);
  return { ...state, more, again, drop, renew: () => ask(undefined, renewed) };
}

async function pageOf(keyword, fields, after, signal) {
  if (fields) {
    const filter = filterOf(fields, keyword);
    const bytes = Uint8Array.from(atob(POINT), (each) => each.charCodeAt(0));
    const data = new Blob([bytes], { type: "image/gif" });
    const body = form({ num_results: MOST, filter, data });
    const { result } = await (await search({ method: "POST", body, signal })).json();
    return { rows: result.map((id) => ({ id })), next: null };
  }
  const order = keyword ? "" : "newest";
  const { ids, scores, next } = await images({ keyword, order, after, limit: PAGE }, { signal });
  return { rows: ids.map((id, at) => ({ id, score: scores?.[at] })), next };
}

function joined({ rows }, page) {
  return { ...page, rows: [...rows, ...page.rows] };
}

/** The first page, and what is known below its end; the page alone where they do not meet. */
function renewed({ rows, next }, page) {
  const at = rows.findIndex(({ id }) => id === page.rows.at(-1)?.id);
  if (at < 0 || page.next === null) return page;
  const ids = new Set(page.rows.map(({ id }) => id));
  return { rows: [...page.rows, ...without(rows.slice(at + 1), ids)], next };
}

const without = (rows, ids) => rows.filter(({ id }) => !ids.has(id));
