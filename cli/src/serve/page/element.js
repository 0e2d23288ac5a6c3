/* Elements and words. What comes from documents becomes text nodes, never markup. */

export function element(name, className = "", text = null) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

export function filled(name, contents) {
  const made = element(name);
  made.append(...contents);
  return made;
}

export const paragraph = (...contents) => filled("p", contents);
export const note = (...contents) => filled("p", contents);
export const heading = (text) => filled("h2", [text]);
export const code = (text) => filled("code", [text]);

export function button(text, act) {
  const made = element("button", "", text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

export const count = (number) => number.toLocaleString("en-GB");

export function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.length) {
    bytes /= 1000;
    unit += 1;
  }
  return `${bytes < 9.95 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The text with its ranges, which are bytes, marked. */
export function highlighted(text, ranges) {
  const bytes = encoder.encode(text);
  const between = (start, end) => decoder.decode(bytes.subarray(start, end));
  const nodes = [];
  let at = 0;
  for (const [start, end] of ranges) {
    nodes.push(between(at, start), element("mark", "", between(start, end)));
    at = end;
  }
  nodes.push(between(at, bytes.length));
  return nodes;
}

/** The words that the search found in its snippet, as they are spelt there. */
export function wordsOf(hit) {
  const words = new Set();
  if (!hit.passage) return words;
  const bytes = encoder.encode(hit.passage.snippet);
  for (const [start, end] of hit.passage.highlights) {
    for (const word of decoder.decode(bytes.subarray(start, end)).split(/[^\p{L}\p{N}]+/u)) {
      if (word) words.add(word.toLowerCase());
    }
  }
  return words;
}
