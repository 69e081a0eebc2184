"use strict";
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const first = column === 0 ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const cell of head.parentNode.cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => Number(row.cells[column].dataset.sort);
    body.append(...[...body.rows].sort((a, b) => sign * (value(a) - value(b))));
  });
}
const filters = [...document.querySelectorAll("select[data-filter]")];
const failures = [...document.querySelectorAll("#failures li")];
for (const filter of filters) {
  filter.addEventListener("change", () => {
    const fits = (item) => filters.every((f) => !f.value || item.dataset[f.dataset.filter] === f.value);
    for (const item of failures) item.hidden = !fits(item);
    document.querySelector("output").textContent = `${failures.filter((item) => !item.hidden).length} shown`;
  });
}
