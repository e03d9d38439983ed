/** Puts text where it can be pasted from. */

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Which browsers have for https and this machine alone; this older way works elsewhere.
  const area = document.createElement("textarea");
  area.value = text;
  document.activeElement.after(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
