/* The page of `lsearch serve`: typing, what was found, reading, keys. */

import { Asker, request } from "/asking.js";
import {
  button, code, count, element, heading, highlighted, note, paragraph, size, wordsOf,
} from "/element.js";

const TYPING_MS = 80; // after a key, before the words so far are looked for
const SETTLED_MS = 300; // after a key, before the query is taken for finished
const PREVIEW_MS = 60; // after a move, before the document is fetched
const STATUS_MS = 4000;
const PAGE = 20;
const WIDE = window.matchMedia("(min-width: 52.01rem)");

const by = (id) => document.getElementById(id);
const page = {};
for (const element of document.querySelectorAll("[id]")) page[element.id] = element;

const state = {
  hits: [],
  total: 0,
  chosen: -1,
  like: null, // the document whose like are shown
  shown: null, // the document in the preview, with the parts that are there
  home: null,
  sequence: null,
  documents: null,
};

/* Asking */

const searches = new Asker();
const documents = new Asker();
const parts = new Asker();

function filters() {
  const given = new URLSearchParams();
  if (page.type.value) given.set("type", page.type.value);
  if (page.path.value.trim()) given.set("path", page.path.value.trim());
  if (page.after.value) given.set("after", page.after.value);
  if (page.until.value) given.set("before", dayAfter(page.until.value));
  return given;
}

function dayAfter(day) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}

/** The query with its last word taken for the beginning of one, as long as that is all it can be. */
function unfinished(query) {
  const last = /(?:^|\s)([\p{L}\p{N}]{3,})$/u.exec(query);
  const quotes = query.split('"').length - 1;
  return last && quotes % 2 === 0 ? `${query}*` : null;
}

/* Searching */

let typing = 0;
let settling = 0;
let words = null; // what the words so far have found

function stopTimers() {
  clearTimeout(typing);
  clearTimeout(settling);
  settling = 0;
}

function typed() {
  stopTimers();
  state.like = null;
  const query = page.query.value;
  if (!query.trim()) return start();
  if (page.mode.value !== "semantic") typing = setTimeout(() => search(query, true), TYPING_MS);
  settling = setTimeout(() => {
    settling = 0;
    search(query, false);
  }, SETTLED_MS);
}

function searchNow() {
  stopTimers();
  markFilters();
  if (state.like) return similar(state.like);
  const query = page.query.value;
  if (query.trim()) return search(query, false);
  return start();
}

/** Looks for the words so far, or for the finished query. */
async function search(query, isTyping, offset = 0) {
  const given = filters();
  const beginning = unfinished(query);
  given.set("q", isTyping && beginning ? beginning : query);
  given.set("mode", isTyping ? "keyword" : page.mode.value);
  given.set("n", PAGE);
  if (offset) given.set("offset", offset);
  document.body.classList.add("waiting");
  try {
    const found = await searches.ask(`/api/search?${given}`);
    if (!found) return;
    remember();
    if (isTyping) {
      words = { query, total: found.total };
      // Not a word yet, perhaps: what was found before stays until the query is finished.
      if (found.total === 0 && state.hits.length > 0) return;
    } else if (isBeginning(query, found)) {
      page.notes.replaceChildren(note(`Words that begin with “${lastWord(query)}”`));
      settled();
      return;
    }
    render(found, query, offset);
    if (!isTyping) settled();
  } catch (problem) {
    // Half a query is no mistake.
    if (!isTyping) failed(problem);
  } finally {
    document.body.classList.remove("waiting");
  }
}

const lastWord = (query) => query.trimEnd().split(/\s+/).pop();

/** Whether the last word is the beginning of others rather than misspelt. */
function isBeginning(query, found) {
  if (!unfinished(query) || words?.query !== query || words.total === 0) return false;
  const last = lastWord(query).toLowerCase();
  const corrections = found.corrections ?? [];
  return corrections.some((one) => one.documents === 0 && one.written.toLowerCase() === last);
}

async function similar(of, offset = 0) {
  stopTimers();
  state.like = of;
  const given = filters();
  given.set("n", PAGE);
  try {
    const found = await searches.ask(`/api/documents/${of.id}/similar?${given}`);
    if (!found) return;
    state.chosen = -1;
    render(found, null, offset);
    const back = button("Back to the search", searchAgain);
    page.notes.replaceChildren(note(`Documents like “${nameOf(of)}”. `, back), ...said(found));
    settled();
    page.query.focus({ preventScroll: true });
    document.body.classList.remove("reading");
  } catch (problem) {
    failed(problem);
  }
}

function searchAgain() {
  state.like = null;
  searchNow();
  page.query.focus();
}

/** Once the query is finished: the first document is shown beside. */
function settled() {
  if (WIDE.matches && state.chosen < 0 && state.hits.length > 0) choose(0);
}

function start() {
  searches.drop();
  remember();
  state.hits = [];
  state.total = 0;
  state.chosen = -1;
  words = null;
  page.hits.replaceChildren();
  page.hits.dataset.query = "";
  page.notes.replaceChildren();
  page.summary.textContent = "";
  page.more.hidden = true;
  page.query.setAttribute("aria-expanded", "false");
  page.query.removeAttribute("aria-activedescendant");
  page.preview.hidden = true;
  state.shown = null;
  document.body.classList.remove("reading");
  page.empty.hidden = false;
  if (state.documents === 0) {
    page.empty.replaceChildren(
      heading("Nothing is indexed yet"),
      paragraph("Add a folder in a terminal; what it holds can be found here from the first minute:"),
      paragraph(code("lsearch add ~/Documents")),
    );
  } else {
    page.empty.replaceChildren(
      heading("Search your documents"),
      paragraph("Plain words are looked for by word and by meaning: ", code("who pays for the repairs")),
      paragraph(code('"notice of termination"'), " is a phrase that must stand in the document, ", code("-draft"), " a word that must not."),
      paragraph(code("terminat*"), " is every word that begins so, ", code("tenant~"), " one with a typing error, ", code("title:lease"), " a field."),
    );
  }
}

/* Showing what was found */

function render(found, query, offset) {
  const chosen = state.hits[state.chosen]?.id;
  state.hits = offset ? [...state.hits, ...found.hits] : found.hits;
  state.total = found.total;
  state.chosen = state.hits.findIndex((hit) => hit.id === chosen);
  page.hits.replaceChildren(...state.hits.map(option));
  page.hits.dataset.query = query ?? "";
  page.hits.dataset.mode = found.mode;
  const expanded = state.hits.length > 0;
  page.query.setAttribute("aria-expanded", String(expanded));
  mark();
  page.more.hidden = state.like !== null || state.hits.length >= found.total;
  const documents = found.total === 1 ? "1 document" : `${count(found.total)} documents`;
  page.summary.textContent = expanded ? `${documents}, ${Math.max(1, Math.round(found.took_ms))} ms` : "";
  page.notes.replaceChildren(...(found.corrections ?? []).map(correction), ...said(found));
  page.empty.hidden = expanded;
  if (!expanded) {
    page.empty.replaceChildren(
      heading("Nothing found"),
      paragraph(page.clear.hidden ? "Try other words, or fewer of them." : "Filters are set; there may be more without them. ",
        ...(page.clear.hidden ? [] : [button("Clear the filters", clearFilters)])),
    );
  }
  if (state.chosen < 0 && !page.preview.contains(document.activeElement)) hidePreview();
}

function option(hit, index) {
  const item = element("li", "hit");
  item.id = `hit-${index}`;
  item.setAttribute("role", "option");
  item.dataset.index = index;
  const where = element("span", "where");
  where.append(element("span", "path", shortened(hit.path)));
  if (hit.passage?.place) where.append(element("span", "place", hit.passage.place));
  for (const other of hit.also_at ?? []) where.append(element("span", "path", `also ${shortened(other)}`));
  item.append(element("span", "name", nameOf(hit)), where);
  if (hit.passage?.snippet) {
    const snippet = element("p", "snippet");
    snippet.append(...highlighted(hit.passage.snippet, hit.passage.highlights));
    item.append(snippet);
  }
  return item;
}

function correction({ written, meant, searched, documents }) {
  const none = documents === 0 ? "No document has" : "Few documents have";
  if (searched) return note(`${none} “${written}”: searched for “${meant}”.`);
  const instead = button(`“${meant}”`, () => {
    page.query.value = page.query.value.replace(written, () => meant);
    searchNow();
    page.query.focus();
  });
  return note(`${none} “${written}”: did you mean `, instead, "?");
}

/** What was said of the answer: the first line is a sentence, what follows points at a place in the query. */
function said(found) {
  return (found.messages ?? []).map((message) => {
    const [first, ...rest] = message.split("\n");
    const paragraph = note(first);
    if (rest.length > 0) paragraph.append(element("pre", "", rest.join("\n")));
    return paragraph;
  });
}

function failed(problem) {
  const box = element("div", "problem");
  box.setAttribute("role", "alert");
  box.append(problem.message);
  if (problem.hint) box.append(element("pre", "", problem.hint));
  page.notes.replaceChildren(box);
  page.summary.textContent = "";
}

/* Choosing, and reading */

let previewing = 0;

function choose(index, now = false) {
  if (state.hits.length === 0) return;
  state.chosen = Math.max(0, Math.min(index, state.hits.length - 1));
  mark();
  by(`hit-${state.chosen}`).scrollIntoView({ block: "nearest" });
  clearTimeout(previewing);
  if (!WIDE.matches && !document.body.classList.contains("reading")) return;
  previewing = setTimeout(preview, now ? 0 : PREVIEW_MS);
}

function mark() {
  for (const item of page.hits.children) {
    item.setAttribute("aria-selected", String(Number(item.dataset.index) === state.chosen));
  }
  for (const owner of [page.query, page.hits]) {
    if (state.chosen < 0) owner.removeAttribute("aria-activedescendant");
    else owner.setAttribute("aria-activedescendant", `hit-${state.chosen}`);
  }
}

async function preview() {
  const hit = state.hits[state.chosen];
  if (!hit) return;
  const at = hit.passage?.start ?? 0;
  if (state.shown?.id === hit.id && state.shown.byte === at) {
    markWords(hit);
    return;
  }
  try {
    const found = await documents.ask(`/api/documents/${hit.id}?at=${at}`);
    if (!found) return;
    parts.drop();
    state.shown = { ...found, byte: at, found: hit.passage ? found.at : -1, words: wordsOf(hit) };
    renderDocument();
  } catch (problem) {
    hidePreview();
    failed(problem);
  }
}

function hidePreview() {
  documents.drop();
  state.shown = null;
  page.preview.hidden = true;
  document.body.classList.remove("reading");
}

function renderDocument() {
  const { shown } = state;
  page.preview.hidden = false;
  page.title.textContent = nameOf(shown);
  page["path-shown"].textContent = shortened(shown.path);
  const pages = shown.pages > 0 ? `${count(shown.pages)} ${shown.pages === 1 ? "page" : "pages"}` : null;
  const changed = `changed ${shown.modified.slice(0, 10)}`;
  const dated = shown.dated && `dated ${shown.dated}`;
  const facts = [shown.format, pages, shown.author, dated, size(shown.size_bytes), changed];
  page.facts.textContent = facts.filter(Boolean).join(" · ");
  page.done.textContent = "";
  page.text.className = shown.code ? "code" : "";
  page.text.replaceChildren(...shown.warnings.map((one) => note(one)), ...shown.parts.map(partOf));
  page["to-place"].hidden = shown.found < 0;
  toPlace();
}

function partOf(part) {
  const { shown } = state;
  const box = element("div", part.index === shown.found ? "part found" : "part");
  box.dataset.index = part.index;
  for (const block of part.blocks) {
    if (block.page) box.append(element("div", "page", `Page ${block.page}`));
    else if (block.heading) box.append(element("h2", "", block.heading));
    else box.append(paragraphOf(block.text, part.index === shown.found ? shown.words : null));
  }
  return box;
}

function paragraphOf(text, words) {
  const paragraph = element("p");
  if (!words || words.size === 0) {
    paragraph.textContent = text;
    return paragraph;
  }
  for (const piece of text.split(/([\p{L}\p{N}]+)/u)) {
    paragraph.append(words.has(piece.toLowerCase()) ? element("mark", "", piece) : piece);
  }
  return paragraph;
}

/** The same passage answers another query: other words are marked. */
function markWords(hit) {
  const { shown } = state;
  shown.words = wordsOf(hit);
  const part = shown.parts.find((one) => one.index === shown.found);
  const box = page.text.querySelector(".found");
  if (part && box) box.replaceWith(partOf(part));
}

function toPlace() {
  const box = page.text.querySelector(".found");
  if (!box) page.text.scrollTop = 0;
  else page.text.scrollTop = box.offsetTop - Math.max(24, (page.text.clientHeight - box.offsetHeight) / 3);
}

/** Fetches what comes before or after, when the reader comes near. */
async function readOn() {
  const { shown } = state;
  if (!shown || readOn.busy) return;
  const { scrollTop, scrollHeight, clientHeight } = page.text;
  const [first, last] = [shown.parts[0].index, shown.parts[shown.parts.length - 1].index];
  const down = scrollTop + 2 * clientHeight > scrollHeight && last + 1 < shown.passages;
  const up = scrollTop < clientHeight && first > 0;
  if (!down && !up) return;
  readOn.busy = true;
  try {
    const more = await parts.ask(`/api/documents/${shown.id}?${down ? `from=${last + 1}` : `until=${first}`}`);
    if (!more || state.shown !== shown) return;
    if (down) {
      shown.parts.push(...more.parts);
      page.text.append(...more.parts.map(partOf));
    } else {
      shown.parts.unshift(...more.parts);
      const { scrollHeight: before, scrollTop: at } = page.text;
      page.text.prepend(...more.parts.map(partOf));
      page.text.scrollTop = at + page.text.scrollHeight - before;
    }
  } catch (problem) {
    page.done.textContent = problem.message;
  } finally {
    readOn.busy = false;
  }
}

async function read() {
  if (state.chosen < 0) choose(0, true);
  if (state.chosen < 0) return;
  clearTimeout(previewing);
  await preview();
  if (!state.shown) return;
  document.body.classList.add("reading");
  page.text.focus({ preventScroll: true });
  toPlace();
}

function back() {
  if (document.body.classList.contains("reading") || page.preview.contains(document.activeElement)) {
    document.body.classList.remove("reading");
    page.query.focus({ preventScroll: true });
  } else if (state.like) {
    searchAgain();
  } else if (page.query.value) {
    page.query.value = "";
    typed();
    page.query.focus();
  }
}

/* What can be done with a document */

async function act(doing, done) {
  page.done.textContent = "";
  try {
    await doing();
    page.done.textContent = done;
  } catch (problem) {
    page.done.textContent = problem.hint ? `${problem.message} (${problem.hint})` : problem.message;
  }
}

const current = () => state.shown ?? state.hits[state.chosen];

function openIt() {
  const one = current();
  if (one) act(() => request(`/api/documents/${one.id}/open`, { method: "POST" }), "Opened");
}

function copyPath() {
  const one = current();
  if (one) act(() => navigator.clipboard.writeText(one.path), "Copied");
}

function moreLikeIt() {
  const one = current();
  if (one) similar(one);
}

/* How things stand */

async function look() {
  if (document.hidden) return;
  try {
    const status = await request("/api/status");
    state.home = status.home;
    const before = { sequence: state.sequence, documents: state.documents };
    state.sequence = status.sequence;
    state.documents = status.documents.keyword;
    page.status.replaceChildren(...standing(status));
    choices(page.folders, status.folders.map((folder) => folder.path));
    kinds(status.kinds);
    const isFirst = before.documents === null;
    if (isFirst ? !page.query.value : !page.query.value && before.documents === 0) start();
    // More may be found now; nobody who reads is disturbed.
    else if (!isFirst && before.sequence !== state.sequence && page.query.value && !state.like) again();
  } catch (problem) {
    page.status.textContent = problem.message;
  }
}

function again() {
  const reading = page.preview.contains(document.activeElement);
  if (!reading && state.hits.length <= PAGE) search(page.query.value, false);
}

function standing(status) {
  const { keyword, semantic, failed } = status.documents;
  const said = [`${count(keyword)} ${keyword === 1 ? "document" : "documents"}`];
  if (status.queue > 0 && semantic < keyword) said.push(`${count(status.queue)} by word only so far`);
  if (failed > 0) said.push(`${count(failed)} could not be read (lsearch status says why)`);
  const { daemon } = status;
  if (daemon.running) {
    const doing = { reading: "reading", encoding: "encoding", starting: "looking through the folders" }[daemon.state];
    if (daemon.trouble) said.push(daemon.trouble);
    else said.push(daemon.paused ? "encoding is paused" : doing ? (daemon.doing || doing) : "up to date");
  } else if (status.writer) {
    said.push("documents are being added");
  }
  return [said.join(" · ")];
}

function kinds(names) {
  const known = [...page.type.options].map((option) => option.value).filter(Boolean);
  if (known.join() === names.join()) return;
  const chosen = page.type.value;
  const any = page.type.options[0];
  page.type.replaceChildren(any, ...names.map((name) => new Option(name, name, false, name === chosen)));
}

function choices(list, values) {
  const known = [...list.children].map((option) => option.value);
  if (known.join("\n") !== values.join("\n")) list.replaceChildren(...values.map((value) => new Option(value, value)));
}

/* Filters, and what is kept when the page is loaded again */

const FILTERS = ["type", "path", "after", "until", "mode"];

function markFilters() {
  let some = false;
  for (const name of FILTERS) {
    const isSet = name === "mode" ? page.mode.value !== "hybrid" : Boolean(page[name].value);
    page[name].parentElement.classList.toggle("set", isSet);
    some ||= isSet;
  }
  page.clear.hidden = !some;
}

function clearFilters() {
  for (const name of FILTERS) page[name].value = name === "mode" ? "hybrid" : "";
  searchNow();
  page.query.focus();
}

function remember() {
  const kept = Object.fromEntries(["query", ...FILTERS].map((name) => [name, page[name].value]));
  sessionStorage.setItem("asked", JSON.stringify(kept));
}

function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem("asked")) ?? {};
    if (kept.type) kinds([kept.type]);
    for (const [name, value] of Object.entries(kept)) if (page[name]) page[name].value = value;
  } catch {
    sessionStorage.removeItem("asked");
  }
}

const nameOf = (one) => one.title?.trim() || one.path.split("/").pop();

function shortened(path) {
  const { home } = state;
  return home && home !== "/" && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

/* Keys and clicks */

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const { key, target } = event;
  const inQuery = target === page.query;
  const inField = !inQuery && target.closest("input, select, textarea");
  const onButton = target.closest("button, summary");
  const inText = target === page.text;
  if (key === "Escape") {
    if (inField) page.query.focus();
    else back();
  } else if (inField) {
    return;
  } else if (key === "Enter" && !onButton) {
    if (inText) openIt();
    else enter();
  } else if ((key === "ArrowDown" || key === "ArrowUp") && !inText) {
    choose(state.chosen + (key === "ArrowDown" ? 1 : -1));
  } else if (inQuery) {
    return;
  } else if (key === "/") {
    document.body.classList.remove("reading");
    page.query.focus();
    page.query.select();
  } else if (key === "j" || key === "k") {
    choose(state.chosen + (key === "j" ? 1 : -1));
  } else if (key === "o") {
    openIt();
  } else if (key === "m") {
    moreLikeIt();
  } else if (key === "c") {
    copyPath();
  } else {
    return;
  }
  event.preventDefault();
}

/** Enter finishes a query that is being typed, and otherwise goes into the document. */
async function enter() {
  const query = page.query.value;
  const isShown = state.like !== null || (page.hits.dataset.query === query && settling === 0);
  if (!isShown) await searchNow();
  if (state.hits.length > 0) await read();
}

document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", look);
page.form.addEventListener("submit", (event) => event.preventDefault());
page.query.addEventListener("input", typed);
for (const name of FILTERS) page[name].addEventListener("change", searchNow);
page.clear.addEventListener("click", clearFilters);
page.more.addEventListener("click", () => search(page.query.value, false, state.hits.length));
page.hits.addEventListener("click", async (event) => {
  const item = event.target.closest(".hit");
  if (!item) return;
  choose(Number(item.dataset.index), true);
  if (!WIDE.matches) await read();
});
page.text.addEventListener("scroll", readOn, { passive: true });
page.back.addEventListener("click", back);
page.open.addEventListener("click", openIt);
page.similar.addEventListener("click", moreLikeIt);
page.copy.addEventListener("click", copyPath);
page["to-place"].addEventListener("click", toPlace);

recall();
page.query.focus();
look().then(() => (page.query.value ? searchNow() : null));
setInterval(look, STATUS_MS);
