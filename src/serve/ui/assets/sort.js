// Sorts a table by the column whose heading is pressed: once ascending, again
// descending. Only tables that hold all their rows are marked `data-sort`, since
// the order of a part would pass for the order of the whole.
"use strict";

for (const table of document.querySelectorAll("table[data-sort]")) {
  const body = table.tBodies[0];
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const keyed = Array.from(body.rows, (row) => ({ row, key: key(row.cells[head.cellIndex]) }));
      keyed.sort((a, b) => compare(a.key, b.key, descending ? -1 : 1));
      body.append(...keyed.map(({ row }) => row));
    });
  }
}

// A numeric cell is a number, a dash is nothing, anything else its words. What
// follows the value, an interval, does not count.
function key(cell) {
  const text = cell.firstChild?.textContent.trim() ?? "";
  if (text === "–") return null;
  return cell.classList.contains("num") ? Number.parseFloat(text.replace(/[,<]/g, "").replace("−", "-")) : text;
}

// Rows without a value stay last in either direction.
function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  return direction * (typeof a === "number" ? a - b : a.localeCompare(b, document.documentElement.lang));
}
