/** The images of the grid, which a click opens or selects, and what is done with those selected. */

import { html, useRef, useState } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { count } from "../../parts/words.js";

const NONE = new Set();

/** `toggle` selects an image, or all from the last one up to it; `take` empties the selection. */
export function useSelection(rows) {
  const [on, setOn] = useState(false);
  const [ids, setIds] = useState(NONE);
  const last = useRef();
  const take = () => {
    setIds(NONE);
    return ids;
  };
  const end = () => {
    setOn(false);
    take();
  };
  const toggle = (id, isRange) => {
    const [one, other] = [last.current, id].map((each) => rows.findIndex((row) => row.id === each));
    const next = new Set(ids);
    if (isRange && one >= 0) {
      const range = rows.slice(Math.min(one, other), Math.max(one, other) + 1);
      for (const row of range) next.add(row.id);
    } else if (!next.delete(id)) next.add(id);
    last.current = id;
    setOn(true);
    setIds(next);
  };
  const all = () => setIds(new Set(rows.map(({ id }) => id)));
  return { on, ids, toggle, all, take, end, turn: () => (on ? end() : setOn(true)) };
}

export function Cell({ row: { id, score }, selection: { on, ids, toggle }, onOpen }) {
  const press = ({ shiftKey, ctrlKey, metaKey }) =>
    on || shiftKey || ctrlKey || metaKey ? toggle(id, shiftKey) : onOpen({ id });
  return html`<button
    class="images-cell"
    title=${id}
    aria-pressed=${on ? ids.has(id) : undefined}
    onClick=${press}
  >
    <${Thumbnail} id=${id} alt="" />
    <span>${id}</span> ${score !== undefined && html`<small>${score.toFixed(2)}</small>`}
  </button>`;
}

export function SelectionBar({ selection: { ids, all, end }, shown, onRemove }) {
  return html`<div class="images-bar row card" role="group" aria-label="Selected images">
    <strong role="status">${count(ids.size, "image")} selected</strong>
    <span class="hint">Shift selects all between two</span>
    <span class="end row">
      <button onClick=${all}>Select all ${shown} shown</button>
      <${Action} scope="write" kind="danger" disabled=${!ids.size} onClick=${onRemove}>
        Remove ${ids.size || ""}
      <//>
      <button class="quiet" aria-label="End selecting" onClick=${end}>✕</button>
    </span>
  </div>`;
}
