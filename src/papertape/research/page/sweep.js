// The charts of a sweep's report: the map of parameters, lines through all tries, luck.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { color, digitsFor, fixed, scatter } = kit;
  const SVG = "http://www.w3.org/2000/svg";
  const CELLS_MAX = 60; // of one side of the map; more values share a cell
  const LABELS_MAX = 12;

  function element(name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function short(value) {
    if (value === null) return "-";
    const size = Math.abs(value);
    if (size && (size >= 1e6 || size < 1e-3)) return value.toPrecision(3);
    return String(Number(value.toPrecision(5))).replace("-", "\u2212");
  }

  // Values of an axis in order, neighbours put together where there are too many for the map.
  function slots(place) {
    const values = [...new Set(data.tries.map((row) => row.at[place]))].sort((a, b) => a - b);
    const size = Math.ceil(values.length / CELLS_MAX);
    const slotOf = new Map(values.map((value, i) => [value, Math.floor(i / size)]));
    const names = values.filter((_, i) => i % size === 0);
    return { slotOf, names };
  }

  function score(row, metric) {
    const value = row.of[metric];
    if (value === null || value === undefined) return null;
    return data.metrics[metric].lowest ? -value : value;
  }

  // The best try of each cell.
  function cells(x, y, metric, across, down) {
    const found = new Map();
    for (const row of data.tries) {
      const rank = score(row, metric);
      if (rank === null) continue;
      const key = across.slotOf.get(row.at[x]) + 1000 * (y < 0 ? 0 : down.slotOf.get(row.at[y]));
      const before = found.get(key);
      if (!before || rank > before.rank) found.set(key, { rank, row });
    }
    return found;
  }

  function describe(row, metric) {
    const words = data.axes.map((name, i) => `${name} ${short(row.at[i])}`);
    return `${words.join(" · ")} · ${data.metrics[metric].label} ${short(row.of[metric])}`;
  }

  function labels(svg, names, most, at, place) {
    const step = Math.ceil(names.length / most);
    names.forEach((name, i) => {
      if (i % step === 0) svg.append(element("text", place(i, at), short(name)));
    });
  }

  // Ranks, not values, give the colour: one outlier would make all others look the same.
  function drawMap(box, x, y, metric) {
    const across = slots(x);
    const down = y < 0 ? { slotOf: new Map(), names: [0] } : slots(y);
    const found = cells(x, y, metric, across, down);
    const order = [...found.values()].map((cell) => cell.rank).sort((a, b) => a - b);
    const left = y < 0 ? 8 : 64;
    const width = Math.max(box.clientWidth, 300);
    const wide = (width - left - 8) / across.names.length;
    const high = Math.min(36, Math.max(8, 420 / down.names.length));
    const height = high * down.names.length;
    const svg = element("svg", { viewBox: `0 0 ${width} ${height + 44}`, class: "drawing",
      role: "img", "aria-label": `${data.metrics[metric].label} by ${data.axes[x]}` });
    const said = document.createElement("p");
    said.className = "said";
    said.textContent = "Point at a cell for its values.";
    for (let i = 0; i < across.names.length; i += 1) {
      for (let j = 0; j < down.names.length; j += 1) {
        const cell = found.get(i + 1000 * j);
        const top = height - (j + 1) * high;
        const place = { x: left + i * wide, y: top, width: Math.max(wide - 1, 0.5),
          height: Math.max(high - 1, 0.5) };
        if (!cell) {
          svg.append(element("rect", { ...place, class: "none" }));
          continue;
        }
        let below = 0;
        while (below < order.length && order[below] < cell.rank) below += 1;
        const share = order.length > 1 ? below / (order.length - 1) : 1;
        const rect = element("rect", { ...place, class: "cell",
          "fill-opacity": (0.06 + 0.9 * share * share).toFixed(3) });
        rect.addEventListener("pointerenter", () => {
          said.textContent = describe(cell.row, metric);
        });
        rect.append(element("title", {}, describe(cell.row, metric)));
        svg.append(rect);
        if (cell.rank === order.at(-1) && !svg.querySelector(".ring")) {
          svg.dataset.ring = JSON.stringify(place);
        }
      }
    }
    if (svg.dataset.ring) {
      svg.append(element("rect", { ...JSON.parse(svg.dataset.ring), class: "ring" }));
    }
    const most = Math.min(LABELS_MAX, Math.floor(width / 56));
    labels(svg, across.names, most, height + 16, (i, at) => ({
      x: left + (i + 0.5) * wide, y: at, "text-anchor": "middle" }));
    svg.append(element("text", { x: left, y: height + 38 }, `${data.axes[x]} \u2192`));
    if (y >= 0) {
      labels(svg, down.names, LABELS_MAX, left - 8, (j, at) => ({
        x: at, y: height - (j + 0.5) * high + 4, "text-anchor": "end" }));
      svg.append(element("text", { x: 0, y: height + 38 }, `\u2191 ${data.axes[y]}`));
    }
    box.replaceChildren(svg, said);
  }

  function picker(label, names, chosen, change) {
    const wrap = document.createElement("label");
    const select = document.createElement("select");
    for (const [value, name] of names) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = name;
      option.selected = value === chosen;
      select.append(option);
    }
    select.addEventListener("change", () => change(Number(select.value)));
    wrap.append(label, select);
    return wrap;
  }

  function makeMap(box) {
    const moving = data.moving;
    const chosen = { x: moving[0] ?? 0, y: moving[1] ?? -1, metric: 0 };
    const canvas = document.createElement("div");
    const draw = () => drawMap(canvas, chosen.x, chosen.y === chosen.x ? -1 : chosen.y,
      chosen.metric);
    const axes = moving.map((i) => [i, data.axes[i]]);
    const bar = document.createElement("div");
    bar.className = "pick";
    const pick = (key) => (value) => {
      chosen[key] = value;
      draw();
    };
    if (axes.length > 2) {
      bar.append(picker("across", axes, chosen.x, pick("x")));
      bar.append(picker("up", axes, chosen.y, pick("y")));
    }
    bar.append(picker("coloured by", data.metrics.map((one, i) => [i, one.label]), 0,
      pick("metric")));
    box.replaceChildren(bar, canvas);
    draw();
    addEventListener("resize", draw);
  }

  // --- parallel coordinates ---------------------------------------------------------------------

  function drawParallel(box) {
    const width = Math.max(box.clientWidth, 320);
    const height = box.clientHeight || 400;
    const columns = [
      ...data.moving.map((i) => ({ name: data.axes[i], value: (row) => row.at[i] })),
      ...data.metrics.map((one, i) => ({ name: one.label, value: (row) => row.of[i] })),
    ];
    const top = 28;
    const bottom = height - 24;
    const edge = 56;
    const step = (width - 2 * edge) / Math.max(columns.length - 1, 1);
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "drawing",
      role: "img", "aria-label": "Parameters and results of all tries" });
    columns.forEach((column, i) => {
      const values = data.tries.map(column.value).filter((value) => value !== null);
      column.low = Math.min(...values);
      column.high = Math.max(...values);
      const x = edge + i * step;
      svg.append(element("line", { x1: x, x2: x, y1: top, y2: bottom, class: "rule" }));
      const anchor = "middle";
      const name = columns.length > 6 && width < 700 ? column.name.slice(0, 8) : column.name;
      svg.append(element("text", { x, y: 12, "text-anchor": anchor }, name));
      svg.append(element("text", { x: x + 4, y: top + 8 }, short(column.high)));
      svg.append(element("text", { x: x + 4, y: bottom + 14 }, short(column.low)));
    });
    const place = (column, value) => {
      const span = column.high - column.low;
      return bottom - (span > 0 ? (value - column.low) / span : 0.5) * (bottom - top);
    };
    const shown = [...data.lines].reverse(); // the best last, on top
    for (const index of shown) {
      const row = data.tries[index];
      if (columns.some((column) => column.value(row) === null)) continue;
      const points = columns.map((column, i) =>
        `${(edge + i * step).toFixed(1)},${place(column, column.value(row)).toFixed(1)}`);
      const line = element("polyline", { points: points.join(" "),
        class: index < data.marked ? "line good" : "line" });
      line.append(element("title", {}, describe(row, 0)));
      svg.append(line);
    }
    box.replaceChildren(svg);
  }

  // --- luck -------------------------------------------------------------------------------------

  function drawSpread(canvas) {
    const { bins, best, luck } = data.spread;
    const digits = digitsFor([bins[0].from, bins.at(-1).to]) - 1;
    const inside = (bin, value, i) =>
      value >= bin.from && (value < bin.to || i === bins.length - 1);
    const colors = bins.map((bin, i) =>
      color(best !== null && inside(bin, best, i) ? "accent" : "series-cash"));
    return kit.drawBars(
      canvas,
      bins.map((bin) => `${fixed(bin.from, digits)} to ${fixed(bin.to, digits)}`),
      bins.map((bin) => bin.count),
      colors,
      (item) => `${fixed(item.parsed.y, 0)} tr${item.parsed.y === 1 ? "y" : "ies"}`,
      { ticks: { maxRotation: 0, autoSkipPadding: 12,
        callback: (value) => fixed(bins[value].from, digits) } },
      { beginAtZero: true, ticks: { precision: 0 } },
      luck === null ? [] : [rule(luck, bins)],
    );
  }

  // A line across the bars where luck alone would put the best.
  function rule(value, bins) {
    const share = (value - bins[0].from) / (bins.at(-1).to - bins[0].from);
    return {
      id: "luck",
      afterDatasetsDraw(chart) {
        const { ctx, chartArea: area } = chart;
        const x = area.left + share * (area.right - area.left);
        ctx.save();
        ctx.strokeStyle = color("warn");
        ctx.lineWidth = 2;
        ctx.setLineDash([4, 3]);
        ctx.beginPath();
        ctx.moveTo(x, area.top);
        ctx.lineTo(x, area.bottom);
        ctx.stroke();
        ctx.restore();
      },
    };
  }

  function drawPairs(canvas) {
    const points = data.pairs.map(([inside, outside]) => ({ x: inside, y: outside }));
    const dots = { data: points, pointRadius: 2, backgroundColor: color("accent") };
    return scatter(canvas, [dots], "in sample", "out of sample",
      (item) => `${fixed(item.parsed.x, 2)} in sample, ${fixed(item.parsed.y, 2)} out of sample`);
  }

  function drawFront(canvas) {
    const [one, two] = data.metrics;
    const point = (row) => ({ x: row.of[0], y: row.of[1], row });
    const known = (row) => row.of[0] !== null && row.of[1] !== null;
    const front = new Set(data.front);
    const others = data.tries.filter((row) => known(row) && !front.has(row.number)).map(point);
    const best = data.tries.filter((row) => known(row) && front.has(row.number)).map(point);
    return scatter(
      canvas,
      [
        { data: best, pointRadius: 4, backgroundColor: color("accent") },
        { data: others, pointRadius: 2, backgroundColor: color("series-cash") },
      ],
      one.label,
      two.label,
      (item) => describe(item.raw.row, 0),
    );
  }

  const map = document.getElementById("map");
  if (map) makeMap(map);
  const parallel = document.getElementById("parallel");
  if (parallel) {
    drawParallel(parallel);
    addEventListener("resize", () => drawParallel(parallel));
  }
  kit.drawAll({
    spread: drawSpread,
    pairs: drawPairs,
    front: drawFront,
    equity: (box) => kit.drawEquity(box, data.equity, data.trips),
  });
})();
