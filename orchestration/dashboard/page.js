// Draws the charts for the period and pool that are chosen. What it draws stands in #content: see frames.py.
"use strict";
{
  const content = JSON.parse(document.getElementById("content").textContent);
  const periodChoice = document.getElementById("period");
  const poolChoice = document.getElementById("pool");

  const rowsOf = ({ fields, rows, spread }) =>
    rows.flatMap((cells) => {
      const row = Object.fromEntries(fields.map((field, place) => [field, cells[place]]));
      if (!spread) return [row];
      const first = spread.first ? row[spread.first] : 0;
      return row[spread.values].map((value, place) => ({
        ...row,
        [spread.values]: value,
        [spread.position]: first + place * spread.step,
      }));
    });
  const frames = Object.fromEntries(
    Object.entries(content.frames).map(([name, frame]) => [name, rowsOf(frame)]),
  );

  const chosenRows = (rows, period, pool) => {
    const [row] = rows;
    if (!row) return rows;
    const ofPool = "pool" in row ? (each) => each.pool === pool : () => true;
    if ("period" in row) return rows.filter((each) => ofPool(each) && each.period === period.number);
    if ("at" in row) return rows.filter((each) => ofPool(each) && each.at >= period.start && each.at < period.end);
    return rows.filter(ofPool);
  };

  const framesIn = (spec) => {
    const names = new Set();
    JSON.stringify(spec, (key, value) => {
      if (key === "data" && value && value.name) names.add(value.name);
      return value;
    });
    return [...names];
  };

  // A chart that was overtaken by a newer choice must not be drawn over it.
  let turn = 0;
  const views = new Map();

  const draw = async (name, period, pool, mine) => {
    const card = document.getElementById(name);
    const place = card.querySelector(".chart");
    const datasets = {};
    for (const frame of framesIn(content.charts[name])) {
      datasets[frame] = chosenRows(frames[frame], period, pool);
    }
    const needed = content.needs[name];
    const isEmpty = needed && datasets[needed] ? datasets[needed].length === 0 : false;
    place.hidden = isEmpty;
    const otherwise = card.querySelector(".otherwise");
    if (otherwise) otherwise.hidden = !isEmpty;
    if (views.has(name)) views.get(name).finalize();
    views.delete(name);
    place.replaceChildren();
    if (isEmpty) return;
    const box = place.appendChild(document.createElement("div"));
    const chart = { ...content.charts[name], datasets };
    chart.config = { ...chart.config, legend: { ...chart.config.legend, columns: box.clientWidth < 440 ? 2 : 4 } };
    // Level 1 is errors only: that a frame has no rows, as a month without burst hours, is no news.
    const look = { actions: false, renderer: "svg", tooltip: { theme: "custom" }, logLevel: 1 };
    const result = await vegaEmbed(box, chart, look);
    if (mine !== turn) result.finalize();
    else views.set(name, result);
  };

  const show = async () => {
    const mine = ++turn;
    document.body.removeAttribute("data-drawn");
    const period = content.periods.find(({ number }) => number === Number(periodChoice.value));
    const pool = Number(poolChoice.value);
    const said = {
      period: period.label,
      pool: pool === 0 ? "all pools" : poolChoice.selectedOptions[0].textContent,
      currency: period.currency ?? "no contract",
      currencies: content.currencies,
    };
    for (const tiles of document.querySelectorAll(".tiles")) {
      tiles.hidden = Number(tiles.dataset.period) !== period.number;
    }
    for (const text of document.querySelectorAll("[data-text]")) {
      text.textContent = text.dataset.text.replace(/\{(\w+)\}/g, (_, name) => said[name]);
    }
    for (const name of Object.keys(content.charts)) {
      await draw(name, period, pool, mine);
      if (mine !== turn) return;
    }
    document.body.setAttribute("data-drawn", `${period.number} ${pool}`);
  };

  periodChoice.addEventListener("change", show);
  poolChoice.addEventListener("change", show);
  // Legends need another number of columns, as page.css gives the page another.
  matchMedia("(max-width: 760px)").addEventListener("change", show);
  show();
}
