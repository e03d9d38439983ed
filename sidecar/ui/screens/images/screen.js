/** Images: all that are stored, the newest first, or those of a keyword or of fields. */

import { html, useEffect, useMemo, useRef } from "../../vendor/preact.js";
import { Action } from "../../parts/action.js";
import { Grid } from "../../parts/grid.js";
import { Failure, useAnswer, useEvery } from "../../parts/loading.js";
import { count } from "../../parts/words.js";
import { stats } from "../../service/calls.js";
import { go } from "../../service/route.js";
import { useStore } from "../../service/store.js";
import { Filters } from "./filters.js";
import { Opened } from "./opened.js";
import { leaving, removed, removeSoon, undo } from "./removal.js";
import { useRows } from "./rows.js";
import { Cell, SelectionBar, useSelection } from "./selection.js";
import { isOpen, UploadCard } from "./upload/card.js";
import { arrived } from "./upload/run.js";

const LOOK_MS = 2000;
const AT_THE_TOP = 600; // pixels: who has scrolled on does not want the images to move

/** @param {{parameters: object}} props what stands after `?` in the address */
export function ImagesScreen({ parameters: { keyword = "", fields = "", id = "" } }) {
  const list = useRows(keyword, fields);
  const hidden = useStore(leaving);
  const rows = useMemo(() => list.rows.filter((row) => !hidden.has(row.id)), [list.rows, hidden]);
  const selection = useSelection(rows);
  const total = useAnswer((signal) => stats({ signal }));
  const known = useRef(arrived());
  const set = (change, how) => go("images", { keyword, fields, id, ...change }, how);
  const close = () => set({ id: "" }, { replace: true });

  useEvery(LOOK_MS, () => {
    if (known.current === arrived() || scrollY > AT_THE_TOP) return;
    known.current = arrived();
    list.renew();
    total.again();
  });
  useEffect(() => removed.watch((ids) => (list.drop(ids), total.again())), []);
  useEffect(() => {
    const press = (event) => {
      if (event.target.closest("input, dialog")) return;
      if (event.key === "Escape") selection.end();
      if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  return html`<div class="row head">
      <h1>Images</h1>
      <p class="hint">${total.value && `${count(total.value.images, "image")} stored`}</p>
      <span class="end row">
        <button aria-pressed=${selection.on} onClick=${selection.turn}>Select</button>
        <${Action} scope="write" kind="primary" onClick=${() => isOpen.set(true)}>Upload<//>
      </span>
    </div>
    <${UploadCard} />
    <${Filters} keyword=${keyword} fields=${fields} onChange=${set} />
    ${selection.on &&
    html`<${SelectionBar}
      selection=${selection}
      shown=${rows.length}
      onRemove=${() => removeSoon([...selection.take()])}
    />`}
    <${Grid}
      items=${rows}
      keyOf=${(row) => row.id}
      cell=${(row) => html`<${Cell} row=${row} selection=${selection} onOpen=${set} />`}
      caption=${30}
      label="Images"
      onEnd=${list.more}
    />
    <${Failure} error=${list.error} again=${list.again} />
    <p class="empty">${underneath(list, rows, keyword || fields)}</p>
    ${id &&
    html`<${Opened}
      key=${id}
      id=${id}
      onClose=${close}
      onRemove=${() => {
        close();
        removeSoon([id]);
      }}
    />`}`;
}

function underneath({ error, next }, rows, filter) {
  if (error) return "";
  if (next !== null) return "Loading…";
  if (rows.length) return "";
  return filter ? "No image is like that." : "No images yet: drop some here, or press Upload.";
}
