/** Search: by an image that is dropped, or by a stored one. The address holds all of it. */

import { html, useEffect } from "../../vendor/preact.js";
import { Failure } from "../../parts/loading.js";
import { useSearch } from "./answer.js";
import { Settings } from "./narrowing.js";
import { anew, read, write } from "./query.js";
import { QueryTile } from "./query_tile.js";
import { Results } from "./results.js";
import { Choose, entries, useIncoming, useUpload } from "./upload.js";

const REPLACE = { replace: true };

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
  return html`<div class=${isEmpty ? "search-drop" : "row search-top"}>
      ${isEmpty && html`<img src="icon.svg" alt="" width="56" height="56" />`}
      <h1>${isEmpty ? "Search by an image" : "Search"}</h1>
      <p hidden=${!isEmpty}>Drop one anywhere on this page, paste it, or</p>
      <span class="end row">
        <${Choose} onFile=${upload.take} kind=${isEmpty ? "primary" : ""} />
      </span>
    </div>
    ${upload.error && html`<${Failure} error=${upload.error} />`}
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
    ${over && html`<div class="search-veil">Drop the image to search by it</div>`}`;
}
