/** What is searched by: an image and the examples beside it. */

import { html, useEffect, useState } from "../../vendor/preact.js";
import { Thumbnail } from "../../parts/thumbnail.js";
import { release, take } from "../../service/thumbnails.js";
import { Part } from "./part.js";
import { withExample } from "./query.js";

/** The URL of a whole thumbnail, not cut to a square; "" while there is none. */
export function useStored(id) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (!id) return undefined;
    let set = setUrl;
    take(id).then(
      (found) => set(found),
      () => {},
    );
    return () => {
      set = () => {};
      setUrl("");
      release(id);
    };
  }, [id]);
  return url;
}

/** `entry` is the file's, if this tab has it. */
export function QueryTile({ query, entry, busy, onBox, onQuery }) {
  const { id, features, box, like, unlike } = query;
  const stored = useStored(entry ? "" : id);
  const url = entry?.url ?? stored;
  const name = entry?.file.name ?? id;
  const example = (kind, sign, tone) => (each) => html`<li>
    <button
      type="button"
      class="quiet"
      title=${each}
      aria-label=${`Remove ${sign} ${each}`}
      onClick=${() => onQuery(withExample(query, each))}
    >
      <${Thumbnail} id=${each} alt="" />
      <span class="badge ${tone}">${sign}</span>
    </button>
  </li>`;
  return html`<section class="card search-query" aria-label="Searched by" aria-busy=${busy}>
    <p class="search-name">${busy && html`<span class="spinner"></span>`} ${name}</p>
    ${url && html`<${Part} url=${url} alt=${name} box=${box} onBox=${onBox} />`}
    ${features &&
    !entry &&
    html`<p class="hint">
      Features of ${box ? "a part of an image" : "an image"}, from the address. The file itself is
      not in this browser${like.length ? ": the examples replace it" : ""}.
    </p>`}
    ${unlike.length > 0 &&
    !name &&
    !like.length &&
    html`<p class="hint">Press + on an image: a − needs one.</p>`}
    ${like.length + unlike.length > 0 &&
    html`<ul class="search-examples" aria-label="Examples">
      ${like.map(example("like", "+", "good"))} ${unlike.map(example("unlike", "−", "bad"))}
    </ul>`}
  </section>`;
}
