/** What the address asks for, and the address that asks for it. */

import { go } from "../../service/route.js";

const ids = (text) => (text ? text.split("/") : []); // an id never holds a slash

/** A query: a search's parameters, `features` of a file (see upload.js), ids like and unlike. */
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
