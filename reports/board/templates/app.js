"use strict";
// Everything on the page is there without this script; it adds sorting, filters, the theme and the slider.
(function () {
  const find = (id) => document.getElementById(id);
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));

  // Storage is refused to pages that are opened from disk in some browsers.
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch (error) { /* not kept */ } };
  const recall = (key) => { try { return localStorage.getItem(key); } catch (error) { return null; } };

  const themeButton = find("theme");
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const showTheme = () => { themeButton.textContent = dark() ? "Light" : "Dark"; themeButton.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
  const kept = recall("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  themeButton.hidden = false;
  showTheme();
  themeButton.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    remember("theme", document.documentElement.dataset.theme);
    showTheme();
  });

  const valueOf = (row, column) => {
    if (column === 0) return row.dataset.label.toLowerCase();
    const text = row.cells[column].dataset.value;
    return text === undefined ? null : Number(text);
  };
  function sort(header, falling) {
    const table = header.closest("table");
    const column = Number(header.dataset.column);
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
  }
  all("thead button").forEach((button) => {
    button.disabled = false;
    button.addEventListener("click", () => {
      const header = button.closest("th");
      const now = header.getAttribute("aria-sort");
      const first = header.dataset.best === "high";
      sort(header, now === "none" ? first : now === "ascending");
    });
  });

  const form = find("filters"), task = find("task"), variant = find("variant"), search = find("search");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  const dataOf = (name) => name.split("@")[0];
  function filter() {
    const words = search.value.trim().toLowerCase();
    let tables = 0, shown = 0;
    all("main > section[data-kind]").forEach((section) => {
      const of = section.dataset;
      const fits = (!task.value || of.task === task.value) &&
        (!variant.value || (of.variant ? of.variant === variant.value : of.data === dataOf(variant.value)));
      section.hidden = !fits;
      if (!fits || of.kind !== "group") return;
      tables += 1;
      all("tbody tr", section).forEach((row) => {
        row.hidden = !row.classList.contains("reference") && !row.dataset.label.toLowerCase().includes(words);
        if (!row.hidden && !row.classList.contains("reference")) shown += 1;
      });
    });
    find("shown").textContent = `${tables} ${tables === 1 ? "table" : "tables"}, ${shown} ${shown === 1 ? "result" : "results"}`;
  }
  const state = () => new URLSearchParams(location.hash.slice(1));
  function keep() {
    const next = new URLSearchParams();
    if (task.value) next.set("task", task.value);
    next.set("variant", variant.value);
    if (search.value) next.set("search", search.value);
    history.replaceState(null, "", `#${next}`);
  }
  const choose = (select, value) => { if (value !== null && Array.from(select.options).some((option) => option.value === value)) select.value = value; };
  choose(task, state().get("task"));
  // The driest variant says least about deraining, so the first rainy one is what a visitor sees first.
  const first = Array.from(variant.options).map((option) => option.value).find((name) => name && !name.endsWith("@none"));
  choose(variant, state().has("variant") ? state().get("variant") : first || "");
  search.value = state().get("search") || "";
  [task, variant].forEach((select) => select.addEventListener("change", () => { keep(); filter(); }));
  search.addEventListener("input", () => { keep(); filter(); });
  find("intervals").addEventListener("change", (event) => document.body.classList.toggle("no-intervals", !event.target.checked));
  filter();

  const slider = find("slider");
  if (slider) {
    const scene = find("scene"), left = find("left"), right = find("right"), divider = find("divider");
    const samples = all(".sample");
    samples.forEach((sample) => { sample.hidden = true; });
    slider.hidden = false;
    const image = (label) => all("figure", samples[scene.value]).find((figure) => figure.dataset.label === label).querySelector("img");
    function fill() {
      const figures = all("figure", samples[scene.value]);
      const labels = figures.map((figure) => figure.dataset.label);
      [left, right].forEach((select) => {
        const before = select.value;
        select.replaceChildren(...labels.map((label) => new Option(label, label)));
        if (labels.includes(before)) select.value = before;
      });
      if (!left.dataset.set) { choose(left, "none"); const own = figures.find((figure) => figure.dataset.reference === undefined); choose(right, own ? own.dataset.label : labels[0]); left.dataset.set = "1"; }
      show();
    }
    function show() {
      [[find("over"), left, "tag-left"], [find("under"), right, "tag-right"]].forEach(([target, select, tag]) => {
        const source = image(select.value);
        target.src = source.getAttribute("src");
        target.alt = source.alt;
        find(tag).textContent = select.value;
      });
    }
    const move = () => { slider.style.setProperty("--at", `${divider.value}%`); divider.setAttribute("aria-valuetext", `${divider.value} % ${left.value}`); };
    scene.addEventListener("change", fill);
    [left, right].forEach((select) => select.addEventListener("change", () => { show(); move(); }));
    divider.addEventListener("input", move);
    const stage = slider.querySelector(".stage");
    const drag = (event) => {
      const box = stage.getBoundingClientRect();
      divider.value = String(Math.round(Math.min(100, Math.max(0, (event.clientX - box.left) / box.width * 100))));
      move();
    };
    stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); drag(event); event.preventDefault(); });
    stage.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
    fill();
    move();
  }
})();
