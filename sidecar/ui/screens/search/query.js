/** What is asked: the address, and a file on its way into it. */

import { useEffect, useRef, useState } from "../../vendor/preact.js";
import { features } from "../../service/calls.js";
import { go } from "../../service/route.js";

const MOST = 32_767;
const headers = { Accept: "application/octet-stream" };
const SAFE = { "+": "-", "/": "_", "=": "" };

const ids = (text) => (text ? text.split("/") : []); // an id never holds a slash

/** A query: a search's parameters, `features` of a file (see tokenOf), ids like and unlike. */
export function read({ like, unlike, ...others }) {
  return { num_results: 20, ...others, like: ids(like), unlike: ids(unlike) };
}

/** Goes to where `query` is asked. */
export function write(query, how) {
  go("search", { ...query, like: query.like.join("/"), unlike: query.unlike.join("/") }, how);
}

/** The same settings for another image: neither the part nor the examples were meant for it. */
export function anew(query, image) {
  return { ...query, id: "", features: "", box: "", like: [], unlike: [], ...image };
}

/** The query with an image as an example, `kind` "like" or "unlike", or as none. */
export function withExample(query, id, kind) {
  const others = (list) => list.filter((each) => each !== id);
  const changed = { ...query, like: others(query.like), unlike: others(query.unlike) };
  return kind ? { ...changed, [kind]: [...changed[kind], id] } : changed;
}

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
