"use strict";
// Everything on the pages is there without this script; it adds sorting, filters, the theme and the slider.
(function () {
  const find = (id) => document.getElementById(id);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));

  // Storage is refused to pages that are opened from disk in some browsers.
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch (error) { /* not kept */ } };
  const recall = (key) => { try { return localStorage.getItem(key); } catch (error) { return null; } };

  const themeButton = find("theme");
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const showTheme = () => { themeButton.textContent = dark() ? "Light" : "Dark"; themeButton.setAttribute("aria-label", `${themeButton.textContent} colours`); };
  const kept = recall("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  themeButton.hidden = false;
  showTheme();
  themeButton.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    remember("theme", document.documentElement.dataset.theme);
    showTheme();
  });

  // What a visitor has chosen stands in the address's query, so that fragments (#table) lead where they say.
  const asked = new URLSearchParams(location.search);
  function keep(changes) {
    const next = new URLSearchParams(location.search);
    Object.entries(changes).forEach(([key, value]) => { if (value) next.set(key, value); else next.delete(key); });
    const query = next.toString();
    try { history.replaceState(null, "", location.pathname + (query ? `?${query}` : "") + location.hash); } catch (error) { /* a page that may not */ }
  }

  const valueOf = (row, column) => {
    if (column === 0) return row.dataset.label.toLowerCase();
    const of = row.cells[column].dataset;
    return of.value !== undefined ? Number(of.value) : of.text ? of.text.toLowerCase() : null;
  };
  function sort(header, falling) {
    const table = header.closest("table"), column = Number(header.dataset.column);
    all("th[aria-sort]", table).forEach((other) => other.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const rows = Array.from(table.tBodies[0].rows);
    // References stay on top, in the order that they came in.
    const below = (row) => (row.classList.contains("reference") ? 0 : 1);
    rows.sort((a, b) => {
      if (!below(a) || !below(b)) return below(a) - below(b);
      const x = valueOf(a, column), y = valueOf(b, column);
      if (x === y) return valueOf(a, 0) < valueOf(b, 0) ? -1 : 1;
      if (x === null || y === null) return x === null ? 1 : -1;
      return (x < y ? -1 : 1) * (falling ? -1 : 1);
    });
    table.tBodies[0].append(...rows);
    rows.forEach((row) => { const place = row.querySelector(".place"); if (place) place.textContent = row.cells[column].dataset.place || ""; });
  }
  all("thead button").forEach((button) => {
    button.disabled = false;
    button.addEventListener("click", () => {
      const header = button.closest("th"), now = header.getAttribute("aria-sort");
      sort(header, now === "none" ? header.dataset.best === "high" : now === "ascending");
      if (find("board") && find("board").contains(header)) keep({ sort: header.dataset.column + (header.getAttribute("aria-sort") === "descending" ? "-" : "+") });
    });
  });

  const choose = (select, value) => { if (value !== null && Array.from(select.options).some((option) => option.value === value)) select.value = value; };

  const form = find("filters");
  if (form) {
    const board = find("board");
    const names = ["data", "task", "search", "year", "weights", "training", "size", "speed"];
    const field = Object.fromEntries(names.map((name) => [name, find(name)]));
    const intervals = find("intervals"), shown = find("shown");
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    function columns() {
      const counts = {};
      all("th[data-task]", board).forEach((header) => {
        const of = header.dataset;
        const fits = (!field.data.value || of.data === field.data.value) && (!field.task.value || of.task === field.task.value);
        header.hidden = !fits;
        if (fits) counts[of.data] = (counts[of.data] || 0) + 1;
        all("tbody tr", board).forEach((row) => { row.cells[Number(of.column)].hidden = !fits; });
      });
      all(".spans th[data-data]", board).forEach((span) => { const count = counts[span.dataset.data] || 0; span.hidden = !count; if (count) span.colSpan = count; });
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    }
    const under = (most, value) => !most || (value !== undefined && Number(value) <= Number(most));
    function rows() {
      const words = field.search.value.trim().toLowerCase();
      let count = 0;
      all("tbody tr:not(.reference)", board).forEach((row) => {
        const of = row.dataset;
        row.hidden = !(of.words.toLowerCase().includes(words) && (!field.year.value || Number(of.year) >= Number(field.year.value)) &&
          (!field.weights.value || of.weights === field.weights.value) && (!field.training.value || of.seen === undefined) &&
          under(field.size.value, of.size) && under(field.speed.value, of.speed));
        if (!row.hidden) count += 1;
      });
      return count;
    }
    function filter() {
      const across = columns(), down = rows();
      document.body.classList.toggle("no-intervals", !intervals.checked);
      shown.textContent = `${down} ${down === 1 ? "derainer" : "derainers"}, ${across} ${across === 1 ? "column" : "columns"}` + (down && across ? "" : ": nothing fits; press Show all");
    }
    const changed = () => { keep({ ...Object.fromEntries(names.map((name) => [name, field[name].value])), intervals: intervals.checked ? "" : "off" }); filter(); };
    names.forEach((name) => { if (name === "search") field.search.value = asked.get("search") || ""; else choose(field[name], asked.get(name)); });
    intervals.checked = asked.get("intervals") !== "off";
    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    form.addEventListener("reset", () => setTimeout(changed));
    const order = /^(\d+)([+ -])$/.exec(asked.get("sort") || "");
    const header = order && board.querySelector(`th[data-column="${order[1]}"]`);
    if (header) sort(header, order[2] === "-");
    filter();
  }

  const slider = find("slider");
  if (slider) {
    const scene = find("scene"), left = find("left"), right = find("right"), divider = find("divider");
    const samples = all(".sample");
    samples.forEach((sample) => { sample.hidden = true; });
    slider.hidden = false;
    find("choose").hidden = false;
    const figures = () => all("figure", samples[scene.value]);
    function fill(wanted) {
      [left, right].forEach((select, side) => {
        const before = select.value || wanted[side];
        select.replaceChildren(...figures().map((figure) => new Option(figure.dataset.name, figure.dataset.label)));
        select.selectedIndex = Math.min(side ? figures().findIndex((figure) => figure.dataset.reference === undefined) : 1, select.length - 1);
        if (select.selectedIndex < 0) select.selectedIndex = 0;
        choose(select, before);
      });
      show();
    }
    function show() {
      [[find("over"), left, "tag-left"], [find("under"), right, "tag-right"]].forEach(([target, select, tag]) => {
        const source = figures()[select.selectedIndex].querySelector("img");
        target.width = source.width;
        target.height = source.height;
        target.src = source.getAttribute("src");
        target.alt = source.alt;
        find(tag).textContent = select.selectedOptions[0].text;
      });
      move();
    }
    function move() { slider.style.setProperty("--at", `${divider.value}%`); divider.setAttribute("aria-valuetext", `${divider.value} % ${left.selectedOptions[0].text}`); }
    const chosen = () => keep({ scene: scene.value === "0" ? "" : scene.value, left: left.value, right: right.value });
    choose(scene, asked.get("scene"));
    fill([asked.get("left") || "none", asked.get("right") || right.dataset.first]);
    scene.addEventListener("change", () => { fill([]); chosen(); });
    [left, right].forEach((select) => select.addEventListener("change", () => { show(); chosen(); }));
    divider.addEventListener("input", move);
    const stage = slider.querySelector(".stage");
    const drag = (event) => {
      const box = stage.getBoundingClientRect();
      divider.value = String(Math.round(Math.min(100, Math.max(0, (event.clientX - box.left) / box.width * 100))));
      move();
    };
    stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); drag(event); event.preventDefault(); });
    stage.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
  }

  all(".copy").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", () => navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Refused"; }));
  });
})();
