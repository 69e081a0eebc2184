// The list of samples, its filters and keys, and the sortable table of scores.
const ROW_HEIGHT = 68, SPARE_ROWS = 8;
const list = document.querySelector(".list"), rows = list.firstElementChild;
const browser = document.querySelector(".browser"), form = document.querySelector(".filters");

// List

// How many characters all questions begin with, up to a word's beginning. The list shows what follows.
const sharedStart = (() => {
  const texts = data.samples.map((sample) => sample.question);
  let length = texts.length > 1 ? texts[0].length : 0;
  for (const text of texts) while (!text.startsWith(texts[0].slice(0, length))) length -= 1;
  if (length <= 12) return 0;
  return texts.every((text) => text.length === length) ? length : texts[0].slice(0, length).search(/\S*$/);
})();

function shortQuestion(sample) {
  if (sample.question.length <= sharedStart) return sample.id;
  return `${sharedStart ? "… " : ""}${sample.question.slice(sharedStart)}`;
}

function shortAnswer(sample) {
  if (sample.error) return sample.error;
  if (parsed(sample) !== undefined && parsed(sample) !== "") return withOption(sample, parsed(sample));
  if (sample.likelihoods) return "likelihoods";
  return sample.answer ? sample.answer : "(empty)";
}

// The outcome in each run of a comparison, or in the only run.
function outcomes(sample) {
  const others = data.run ? sample.others || [] : [];
  return [outcome(sample), ...others.map((other) => other ? other[0] : "unscored")];
}

function symbol(outcome, index) {
  const node = element("span", `mark ${outcome}`, SYMBOLS[outcome]);
  if (data.run) node.title = `${runName(index)}: ${outcome}`;
  return node;
}

const runName = (index) => visible(index ? data.others[index - 1] : data.run);

function row(sample, index) {
  const images = sample.images || [], first = images.find((key) => thumbnails[key]);
  const picture = element("span", "thumb",
    first ? thumbnail(first, "") : "",
    images.length > 1 ? element("b", "", `${images.length}`) : "");
  const answer = element("span", "answer", span("", shortAnswer(sample)));
  if (!sample.error && outcome(sample) !== "correct" && sample.targets.length) {
    answer.append(element("em", "", "  ≠  "), span("", withOption(sample, sample.targets[0])));
  }
  const node = element("div", `row ${outcome(sample)}`,
    picture,
    element("span", "asked", span("question", shortQuestion(sample)), answer),
    ...outcomes(sample).map(symbol));
  const named = outcomes(sample).map((outcome, index) => data.run ? `${runName(index)} ${outcome}` : outcome);
  node.id = `row-${index}`;
  node.setAttribute("role", "option");
  node.setAttribute("aria-selected", index === state.position);
  node.setAttribute("aria-setsize", state.view.length);
  node.setAttribute("aria-posinset", index + 1);
  node.setAttribute("aria-label", visible(`${named.join(", ")}: ${sample.question || sample.id}`));
  node.style.top = `${index * ROW_HEIGHT}px`;
  node.addEventListener("click", () => {
    if (isNarrow()) history.pushState(COVERED, "");
    select(index);
    openDetail();
  });
  return node;
}

// Only the rows in view are in the document.
function paint() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
  const last = Math.ceil((list.scrollTop + list.clientHeight) / ROW_HEIGHT) + SPARE_ROWS;
  rows.style.height = `${state.view.length * ROW_HEIGHT}px`;
  rows.replaceChildren(...state.view.slice(first, last).map((sample, index) => row(sample, first + index)));
  if (!state.view.length) rows.append(element("p", "empty", NO_MATCH));
  list.setAttribute("aria-activedescendant", `row-${state.position}`);
}

// In a narrow window the detail covers the list, and the browser's button "back" uncovers it.
const COVERED = "covered";
const isNarrow = () => innerWidth <= 720;

function openDetail() {
  browser.classList.add("open");
  document.body.classList.add("covered");
}

function uncover() {
  browser.classList.remove("open");
  document.body.classList.remove("covered");
  list.focus({ preventScroll: true });
}

function closeDetail() {
  uncover();
  if (history.state === COVERED) history.back();
}

function select(index) {
  if (!state.view.length) {
    state.position = 0;
    paint();
    show();
    return;
  }
  state.position = Math.min(Math.max(index, 0), state.view.length - 1);
  const top = state.position * ROW_HEIGHT, bottom = top + ROW_HEIGHT;
  if (top < list.scrollTop) list.scrollTop = top;
  if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  paint();
  show();
  history.replaceState(history.state, "", `#sample=${encodeURIComponent(state.view[state.position].id)}`);
}

// Filters

const isRight = (mark) => mark[0] === "correct";
const comparisons = {
  any: (sample) => (sample.others || []).some((other) => changed(sample, other)),
  none: (sample) => (sample.others || []).some(Boolean) && !comparisons.any(sample),
};
data.others.forEach((name, index) => {
  const test = (condition) => (sample) => {
    const other = sample.others[index];
    return Boolean(other) && condition(isRight(sample.marks[0]), isRight(other));
  };
  comparisons[`changed ${index}`] = (sample) => changed(sample, sample.others[index]);
  comparisons[`lost ${index}`] = test((here, there) => here && !there);
  comparisons[`won ${index}`] = test((here, there) => !here && there);
  comparisons[`both ${index}`] = test((here, there) => here && there);
});

const readingsDiffer = (sample) => sample.marks.some((mark) => mark.join("\n") !== sample.marks[0].join("\n"));

function searchText(sample) {
  sample.searchText ??= [
    sample.id, sample.question, sample.answer, sample.error, sample.reasoning,
    ...sample.targets, ...(sample.options || []), ...sample.marks.map((mark) => mark[1]),
  ].join("\n").toLowerCase();
  return sample.searchText;
}

function hasOutcome(sample, wanted) {
  if (wanted === "wrong") return !["correct", "unscored"].includes(outcome(sample));
  return wanted === "" || outcome(sample) === wanted;
}

function filter() {
  const axis = byId("axis").value, wanted = byId("outcome").value;
  const comparison = byId("other").value, reading = byId("reading").value;
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const current = state.view[state.position];
  state.reading = Number(reading) || 0;
  state.view = data.samples.filter((sample) =>
    (axis === "" || sample.category === Number(axis)) && hasOutcome(sample, wanted)
    && (reading !== "differ" || readingsDiffer(sample))
    && (comparison === "" || comparisons[comparison](sample))
    && words.every((word) => searchText(sample).includes(word)));
  byId("count").textContent = `${count(state.view.length)} of ${count(data.samples.length)}`;
  list.scrollTop = 0;
  state.position = Math.max(state.view.indexOf(current), 0);
  const top = state.position * ROW_HEIGHT;
  if (top + ROW_HEIGHT > list.clientHeight) list.scrollTop = top - ROW_HEIGHT;
  paint();
  show();
}

// Fill a menu, and hide it if there is nothing to choose.
function fill(id, choices) {
  const menu = byId(id);
  menu.replaceChildren(...choices.map(([value, text]) => {
    const option = element("option", "", visible(text));
    option.value = value;
    return option;
  }));
  menu.closest("label").hidden = choices.length < (choices[0][0] === "" ? 3 : 2);
  menu.addEventListener("change", filter);
}

function comparisonChoices() {
  const choices = [["", "all"]], severalOthers = data.others.length > 1;
  const how = data.run ? "in" : "under";
  if (severalOthers) choices.push(["any", `changed ${how} any`], ["none", `changed ${how} none`]);
  data.others.forEach((name, index) => choices.push(
    [`changed ${index}`, `${name}: changed`],
    [`lost ${index}`, `${name}: right to wrong`],
    [`won ${index}`, `${name}: wrong to right`],
    [`both ${index}`, `${name}: right in both`]));
  return choices;
}

function showAll() {
  form.reset();
  filter();
}

const present = new Set(data.samples.flatMap((sample) => sample.marks.map((mark) => mark[0])));
const presentOutcomes = Object.keys(SYMBOLS).filter((name) => present.has(name));
fill("axis", [["", "all"], ...data.axes.map((name, index) => [index, name || "(none)"])]);
fill("outcome", [["", "all"], ["wrong", "not correct"], ...presentOutcomes.map((name) => [name, name])]);
fill("reading", [
  ...data.readings.map((name, index) => [index, name]),
  ...(data.readings.length > 1 ? [["differ", "where they differ"]] : []),
]);
fill("other", comparisonChoices());
byId("other").closest("label").hidden = !data.others.length;

// The page begins with what its readers look for: differences between runs, or what is not correct.
const differing = data.others.length > 1 ? "any" : "changed 0";
if (data.run && data.samples.some(comparisons[differing])) byId("other").value = differing;
else if (data.samples.some((sample) => outcome(sample) !== "correct")) byId("outcome").value = "wrong";

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
let searchTimer = 0;
byId("search").addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(filter, 120);
});
for (const counted of document.querySelectorAll(".outcomes button")) {
  counted.addEventListener("click", () => {
    byId("outcome").value = counted.dataset.outcome;
    filter();
    byId("samples").scrollIntoView();
  });
}

// Keys

const STEPS = { j: 1, k: -1 };
const STEPS_IN_LIST = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = /INPUT|SELECT|TEXTAREA/.test(event.target.tagName), inList = event.target === list;
  if (event.key === "Escape") {
    if (isTyping) event.target.blur(); else closeDetail();
    return;
  }
  if (isTyping || viewer.open) return;
  const steps = inList ? { ...STEPS, ...STEPS_IN_LIST } : STEPS;
  if (event.key === "/") {
    byId("search").focus();
    byId("search").select();
  } else if (event.key in steps) {
    select(state.position + steps[event.key]);
  } else if (event.key === "Enter" && (inList || event.target === document.body)) {
    detail.querySelector(":scope > .pictures button:enabled")?.click();
  } else {
    return;
  }
  event.preventDefault();
});
list.addEventListener("scroll", () => requestAnimationFrame(paint));
new ResizeObserver(paint).observe(list);

// Tables

// Tables of a panel are long in a narrow window: fold them.
if (isNarrow()) for (const table of document.querySelectorAll(".tables details")) table.open = false;

function sortBy(head) {
  const body = head.closest("table").tBodies[0], column = head.cellIndex;
  const [first, second] = column === 0 ? ["ascending", "descending"] : ["descending", "ascending"];
  const order = head.getAttribute("aria-sort") === first ? second : first;
  for (const cell of head.parentNode.cells) cell.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const value = (line) => Number(line.cells[column].dataset.sort);
  const sign = order === "ascending" ? 1 : -1;
  body.append(...[...body.rows].sort((a, b) => sign * (value(a) - value(b))));
}

for (const heading of document.querySelectorAll("th button")) {
  heading.addEventListener("click", () => sortBy(heading.closest("th")));
}

// Start

// An address written by hand may have a bare %.
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Show the sample that the address names.
function followLink() {
  const id = unescaped((location.hash.match(/^#sample=(.+)/) || [])[1] || "");
  const sample = data.samples.find((one) => one.id === id);
  if (!sample) return;
  if (!state.view.includes(sample)) showAll();
  select(state.view.indexOf(sample));
  byId("samples").scrollIntoView();
  openDetail();
}

filter();
followLink();
addEventListener("popstate", () => {
  if (!isNarrow() || history.state === COVERED) followLink();
  else if (browser.classList.contains("open")) uncover();
});
document.documentElement.dataset.ready = "yes";
