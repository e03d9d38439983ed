/** A page of groups, and which of them has the focus when one has gone. */

import { html, useEffect, useRef } from "../../vendor/preact.js";
import { Failure, useAnswer } from "../../parts/loading.js";
import { duplicates } from "../../service/calls.js";
import { go, to } from "../../service/route.js";
import { Group } from "./group.js";

const PAGE = 20;

/** `keep` is the best image of the group that asks; `known` are the figures of all duplicates. */
export function Groups({ kind, after, keep, known }) {
  const place = { class: kind, after };
  const { value, error, again } = useAnswer(
    (signal) => duplicates({ ...place, limit: PAGE }, { signal }),
    [after, known?.ran_at],
  );
  const list = useRef();
  const next = useRef(null); // which of the list has the focus, when another answer is there
  useEffect(() => {
    const { children } = list.current;
    if (next.current !== null) children[Math.min(next.current, children.length - 1)].focus();
    next.current = null;
  }, [value]);
  const ask = (best) => go("duplicates", { ...place, keep: best }, { replace: !best });
  const change = (at) => {
    next.current = at;
    again();
  };
  const page = (label, start) => html`<a
    class="button"
    href=${to("duplicates", { ...place, after: start })}
    onClick=${() => (next.current = 0)}
  >
    ${label}
  </a>`;
  return html`<div ref=${list}>
      ${value?.groups.map((group, at) => {
        const { best } = group;
        const on = { onAsk: ask, onChange: () => change(at) };
        return html`<${Group} ...${{ key: best, group, isAsked: keep === best, ...on }} />`;
      })}
      ${!value?.groups.length &&
      html`<p class="empty" tabindex="-1">${empty(value, known?.[kind])}</p>`}
    </div>
    <${Failure} error=${error} again=${again} />
    <nav class="row" aria-label="Pages">
      ${after && page("First page")} ${value?.next && page("Next page", value.next)}
    </nav>`;
}

function empty(answer, pairs) {
  if (!answer) return "Loading…";
  if (!answer.ran_at) return "Nothing has been found yet.";
  return pairs ? "Nothing is left to decide here." : "None were found.";
}
