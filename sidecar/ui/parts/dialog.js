/** A dialog over the page; Escape, and a click beside it, close it. */

import { html, useEffect, useRef } from "../vendor/preact.js";

export function Dialog({ title, onClose, wide = false, children }) {
  const place = useRef();
  useEffect(() => {
    const dialog = place.current;
    dialog.showModal();
    return () => dialog.close(); // gives the focus back: while it is open nothing else can have it
  }, []);
  return html`<dialog
    class=${wide ? "wide" : ""}
    ref=${place}
    aria-label=${title}
    onCancel=${(event) => {
      event.preventDefault();
      onClose();
    }}
    onMouseDown=${(event) => event.target === place.current && onClose()}
  >
    <header>
      <h2>${title}</h2>
      <button class="quiet" aria-label="Close" onClick=${onClose}>✕</button>
    </header>
    ${children}
  </dialog>`;
}
