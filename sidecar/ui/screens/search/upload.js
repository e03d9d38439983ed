/** A file on its way to being a query: how it comes in, its one upload, and its features. */

import { html, useEffect, useRef, useState } from "../../vendor/preact.js";
import { features } from "../../service/calls.js";
import { anew, write } from "./query.js";

const MOST = 32_767;
const headers = { Accept: "application/octet-stream" };

/** The files that this tab has searched by: token to {file, url, timings, began}. */
export const entries = new Map();

/** What is under way, and what sends a file (`take`), a part of one (`cut`), or gives it up. */
export function useUpload(query) {
  const [state, setState] = useState({});
  const turn = useRef();
  const stop = (next = {}) => {
    turn.current?.abort();
    setState(next);
  };
  useEffect(() => () => turn.current?.abort(), []);

  const send = async (entry, box, next, how) => {
    stop({ entry, box });
    const { signal } = (turn.current = new AbortController());
    entry.began = performance.now();
    try {
      const response = await features(entry.file, { box }, { headers, signal });
      const token = await tokenOf(response);
      if (signal.aborted) return;
      entry.timings = timingsOf(response);
      entries.set(token, entry);
      setState({});
      write({ ...next, features: token, box }, how);
    } catch (error) {
      if (!signal.aborted) setState({ error });
    }
  };
  const take = (file) => send({ file, url: URL.createObjectURL(file) }, "", anew(query));
  const cut = (entry, box) => send(entry, box, query, { replace: true });
  return { ...state, take, cut, stop };
}

/** Features as an address holds them: 16 bits each, the largest 32,767, since a search brings
 * them to norm 1 again; before them the version of their model. */
async function tokenOf(response) {
  const numbers = new Float32Array(await response.arrayBuffer());
  const largest = Math.max(...numbers.map(Math.abs));
  const whole = Int16Array.from(numbers, (each) => Math.round((each / largest) * MOST));
  const text = btoa(String.fromCharCode(...new Uint8Array(whole.buffer)));
  return `${response.headers.get("X-Model-Version")}.${text.replace(/[+/=]/g, (c) => SAFE[c])}`;
}

const SAFE = { "+": "-", "/": "_", "=": "" };

/** The version in a token, and the features as a list in JSON. */
export function untoken(token) {
  const [version, text = ""] = token.split(".");
  try {
    const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const whole = new Int16Array(Uint8Array.from(bytes, (each) => each.charCodeAt(0)).buffer);
    return [version, JSON.stringify([...whole])];
  } catch {
    throw new Error("This address was cut short: ask for it again, or drop an image.");
  }
}

/** The stages of the header Server-Timing, as [name, milliseconds]. */
export function timingsOf(response) {
  const header = response.headers.get("Server-Timing") ?? "";
  return [...header.matchAll(/(\w+);dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]);
}

/** Calls `onFile` with what is dropped or pasted; returns whether a file hovers over the page. */
export function useIncoming(onFile) {
  const [over, setOver] = useState(false);
  const give = useRef();
  give.current = (from) => from?.files[0] && onFile(from.files[0]);
  useEffect(() => {
    const controller = new AbortController();
    const on = (kind, handler) => window.addEventListener(kind, handler, controller);
    const hover = (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") give.current(event.dataTransfer);
    };
    on("dragover", hover);
    on("drop", hover);
    on("dragleave", (event) => event.relatedTarget || setOver(false));
    on("paste", (event) => give.current(event.clipboardData));
    return () => controller.abort();
  }, []);
  return over;
}

/** Buttons that choose a file; the camera's is shown where a finger is what points. */
export function Choose({ onFile, kind }) {
  return html`<${Chooser} onFile=${onFile} kind=${kind} name="Choose an image" />
    <${Chooser} onFile=${onFile} kind="search-camera" name="Take a photo" capture="environment" />`;
}

function Chooser({ onFile, kind, name, capture }) {
  const place = useRef();
  const chosen = ({ target }) => {
    if (target.files[0]) onFile(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  };
  return html`<button type="button" class=${kind} onClick=${() => place.current.click()}>
      ${name}
    </button>
    <input
      hidden
      type="file"
      accept="image/*"
      aria-label=${name}
      capture=${capture}
      ref=${place}
      onChange=${chosen}
    />`;
}
