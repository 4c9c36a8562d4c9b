"use strict";
(function () {
  const table = document.querySelector("table.sessions");
  if (!table) {
    return;
  }
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const buttons = Array.from(table.querySelectorAll("th button"));
  const box = document.getElementById("filter");
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");

  function value(row, column, numeric) {
    const text = row.cells[column].dataset.sort;
    return numeric ? Number(text === "" ? -1 : text) : text.toLowerCase();
  }

  function sort(column) {
    const heading = buttons[column].closest("th");
    const direction = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const numeric = heading.classList.contains("number");
    rows.sort(function (one, other) {
      const a = value(one, column, numeric);
      const b = value(other, column, numeric);
      return a < b ? -direction : a > b ? direction : 0;
    });
    body.append(...rows);
    buttons.forEach(function (button) {
      button.closest("th").removeAttribute("aria-sort");
    });
    heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  }

  function filter() {
    const words = box.value.toLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach(function (row) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(function (word) {
        return text.includes(word);
      });
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = shown + " of " + rows.length + " shown";
    nothing.hidden = shown > 0;
  }

  buttons.forEach(function (button, column) {
    button.disabled = false;
    button.addEventListener("click", function () {
      sort(column);
    });
  });
  box.addEventListener("input", filter);
  box.closest(".tools").hidden = false;
  filter();
})();
