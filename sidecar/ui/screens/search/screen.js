/** Search: by an image that is dropped, or by a stored one. The address holds all of it. */

import { html, useEffect, useRef } from "../../vendor/preact.js";
import { useDrop } from "../../parts/dropping.js";
import { Failure } from "../../parts/loading.js";
import { useSearch } from "./answer.js";
import { Settings } from "./narrowing.js";
import { anew, entries, read, useUpload, write } from "./query.js";
import { QueryTile } from "./query_tile.js";
import { Results } from "./results.js";

const REPLACE = { replace: true };
const WAYS = [
  ["Choose an image", {}],
  ["Take a photo", { capture: "environment" }], // shown where a finger is what points
];

/** @param {{parameters: object}} props what stands after `?` in the address */
export function SearchScreen({ parameters }) {
  const query = read(parameters);
  const upload = useUpload(query);
  const found = useSearch(query);
  const over = useIncoming(upload.take);
  const entry = entries.get(query.features);
  const go = (next, how) => {
    upload.stop();
    write(next, how);
  };
  const cut = (box) => (entry ? upload.cut(entry, box) : go({ ...query, box }, REPLACE));
  useEffect(() => window.scrollTo(0, 0), [query.id, query.features]);
  useEffect(() => {
    if (found.error?.word === "other_model" && entry) cut(query.box);
  }, [found.error]);

  const isEmpty = !found.isAsked && !upload.entry;
  const underWay = upload.entry && { ...anew(query), box: upload.box };
  return html`<div class=${isEmpty ? "search-drop" : "row head"}>
      ${isEmpty && html`<img src="icon.svg" alt="" width="56" height="56" />`}
      <h1>${isEmpty ? "Search by an image" : "Search"}</h1>
      <p hidden=${!isEmpty}>Drop one anywhere on this page, paste it, or</p>
      <span class="end row">
        <${Choose} onFile=${upload.take} kind=${isEmpty ? "primary" : ""} />
      </span>
    </div>
    <${Failure} error=${upload.error} />
    <div class="search-page" hidden=${isEmpty}>
      <aside aria-label="The query">
        <${QueryTile}
          query=${underWay || query}
          entry=${upload.entry || entry}
          busy=${Boolean(upload.entry)}
          onBox=${cut}
          onQuery=${go}
        />
        <details class="card" open=${matchMedia("(min-width: 800px)").matches}>
          <summary>Settings</summary>
          <${Settings} query=${query} onChange=${(some) => go({ ...query, ...some }, REPLACE)} />
        </details>
      </aside>
      <${Results}
        query=${query}
        found=${found}
        onQuery=${go}
        onSearch=${(id) => go(anew(query, { id }))}
      />
    </div>
    ${over && html`<div class="veil">Drop the image to search by it</div>`}`;
}

/** Calls `onFile` with what is dropped or pasted; returns whether a file hovers over the page. */
function useIncoming(onFile) {
  const give = useRef();
  give.current = (from) => from?.files[0] && onFile(from.files[0]);
  useEffect(() => {
    const controller = new AbortController();
    addEventListener("paste", (event) => give.current(event.clipboardData), controller);
    return () => controller.abort();
  }, []);
  return useDrop(give.current);
}

/** Buttons that choose a file. */
function Choose({ onFile, kind }) {
  const inputs = useRef([]);
  const chosen = ({ target }) => {
    if (target.files[0]) onFile(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  };
  return WAYS.map(
    ([name, more], at) => html`<button
        class=${at ? "search-camera" : kind}
        onClick=${() => inputs.current[at].click()}
      >
        ${name}
      </button>
      <input
        hidden
        type="file"
        accept="image/*"
        aria-label=${name}
        ref=${(place) => (inputs.current[at] = place)}
        onChange=${chosen}
        ...${more}
      />`,
  );
}
