/** The files that were chosen or dropped, those within folders too, and the id of each. */

const CLUTTER = /(^|\/)(__macosx|\.ds_store|thumbs\.db|desktop\.ini)(\/|$)|(^|\/)\._[^/]*$/i;

/** Returns {file, path}[]; what systems put into folders by themselves is passed over. */
export function chosen(files) {
  return clean([...files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
}

/** The same of what was dropped. It has to be called while the event lasts. */
export async function dropped({ items }) {
  const files = [...items].filter(({ kind }) => kind === "file");
  const entries = files.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return clean(found);
}

const clean = (found) => found.filter(({ path }) => !CLUTTER.test(path));

async function walk(entry, found) {
  if (entry instanceof File) {
    found.push({ file: entry, path: entry.name });
  } else if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.slice(1) });
  } else {
    const reader = entry.createReader(); // which gives a hundred at a time, and at last none
    const read = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    for (let some = await read(); some.length; some = await read()) {
      for (const each of some) await walk(each, found);
    }
  }
}

/** As a batch of the service names it: "cats/tom.jpg" is "tom", or with folders "cats:tom". */
export function idOf(path, withFolders) {
  const folders = path.split("/");
  const stem = folders.pop().replace(/(?<=.)\.[^.]+$/, "");
  return [...(withFolders ? folders : []), stem].join(":").normalize("NFC");
}
