// Draws the charts of a report, and makes its tables searchable, sortable and downloadable.
(() => {
  "use strict";

  const SHOWN = 10;
  // How what spreadsheets take for a formula begins.
  const FORMULA = /^["' \t\r\n]*[-=+@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
  const count = new Intl.NumberFormat("en-US").format;

  const plain = (cell) => cell.title || (cell.classList.contains("n") ? cell.textContent.replaceAll(",", "") : cell.textContent);

  function quoted(text) {
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  function harmless(text) {
    return FORMULA.test(text) ? `'${text}` : text;
  }

  function prepared(box) {
    const body = box.querySelector("tbody");
    const heads = [...box.querySelectorAll("thead th")];
    const search = box.querySelector("input");
    const said = box.querySelector(".count");
    const all = box.querySelector(".all");
    const total = Number(box.dataset.total);
    const kept = total > body.rows.length;
    let rows = [...body.rows];
    let isWhole = rows.length <= SHOWN + 2;
    let found = rows;

    function show() {
      const most = isWhole ? Infinity : SHOWN;
      const wanted = new Set(found.slice(0, most));
      for (const row of rows) row.hidden = !wanted.has(row);
      const shown = Math.min(found.length, most);
      said.textContent = found.length === rows.length
        ? `${count(shown)} of ${kept ? `the first ${count(rows.length)} of ${count(total)}` : count(rows.length)} rows`
        : `${count(shown)} of ${count(found.length)} rows that match`;
      all.hidden = found.length <= SHOWN || rows.length <= SHOWN + 2;
      all.textContent = isWhole ? `Show ${SHOWN} rows` : `Show all ${count(found.length)} rows`;
      all.setAttribute("aria-expanded", String(isWhole));
    }

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = rows.filter((row) => {
        const text = row.textContent.toLowerCase();
        return words.every((word) => text.includes(word));
      });
      show();
    }

    function sort(head, place) {
      const isNumber = head.classList.contains("n");
      const before = head.getAttribute("aria-sort");
      const isUp = before ? before === "descending" : !isNumber;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
      const keyed = rows.map((row) => {
        const text = plain(row.cells[place]);
        return { row, text, number: Number(text) };
      });
      const compare = new Intl.Collator("en", { numeric: true }).compare;
      keyed.sort((a, b) => {
        if (a.text === "" || b.text === "") return (a.text === "") - (b.text === "");
        const order = isNumber ? a.number - b.number : compare(a.text, b.text);
        return isUp ? order : -order;
      });
      rows = keyed.map(({ row }) => row);
      body.append(...rows);
      filter();
    }

    function download() {
      const lines = [heads.map((head) => quoted(harmless(head.textContent)))];
      for (const row of found) {
        lines.push([...row.cells].map((cell, n) => {
          const text = plain(cell);
          return quoted("text" in heads[n].dataset ? harmless(text) : text);
        }));
      }
      const text = lines.map((cells) => `${cells.join(",")}\n`).join("");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = `${box.dataset.name}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }

    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(head, place));
      head.replaceChildren(button);
    });
    search.addEventListener("input", filter);
    all.addEventListener("click", () => { isWhole = !isWhole; show(); });
    addEventListener("every", ({ detail }) => { isWhole = detail || rows.length <= SHOWN + 2; show(); });
    box.querySelector(".csv").addEventListener("click", download);
    box.querySelector(".tools").hidden = false;
    show();
  }

  function copied(button) {
    const code = button.parentElement.querySelector("code");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
  }

  const config = {
    background: null,
    view: { stroke: null },
    font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, labelPadding: 6, titlePadding: 8 },
    legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400 },
    mark: { tooltip: null },
  };

  async function draw(script) {
    const place = document.getElementById(script.dataset.for);
    const spec = JSON.parse(script.textContent);
    const caption = document.getElementById(`${script.dataset.for}-caption`).textContent;
    spec.description = `${caption}. The table below has the numbers.`;
    const limit = Math.max(90, Math.min(320, place.clientWidth * 0.38));
    await vegaEmbed(place, spec, {
      mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
      config: {
        ...config, axisY: { labelLimit: limit }, axisTop: { labelLimit: 110, labelAngle: place.clientWidth < 600 ? -90 : -45 },
      },
    });
  }

  async function drawAll() {
    for (const script of document.querySelectorAll("script[data-for]")) {
      try {
        await draw(script);
      } catch (error) {
        console.error(error);
        document.getElementById(script.dataset.for).textContent = "This chart cannot be drawn; the table has its numbers.";
      }
    }
    document.documentElement.dataset.drawn = "true";
  }

  const every = document.getElementById("every");
  every.hidden = false;
  every.addEventListener("click", () => {
    const isPressed = every.getAttribute("aria-pressed") === "false";
    every.setAttribute("aria-pressed", String(isPressed));
    dispatchEvent(new CustomEvent("every", { detail: isPressed }));
  });
  document.querySelectorAll(".table").forEach(prepared);
  document.querySelectorAll(".copy").forEach(copied);
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
  drawAll();
})();
