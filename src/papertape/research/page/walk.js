// The charts of a walk-forward's report: equity out of sample, in sample beside out of sample.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { color, fixed, scatter } = kit;

  function drawWindows(canvas) {
    const bar = (values, name) => ({
      data: values, backgroundColor: color(name), borderRadius: 2, maxBarThickness: 24,
    });
    const chart = kit.drawBars(
      canvas,
      data.windows.map((one) => `${one.number}`),
      data.windows.map((one) => one.in),
      color("series-cash"),
      (item) => `${item.datasetIndex ? "out of" : "in"} sample ${fixed(item.parsed.y, 2)}`,
      { ticks: { maxRotation: 0, autoSkipPadding: 12 } },
      {},
    );
    chart.data.datasets.push(bar(data.windows.map((one) => one.out), "accent"));
    for (const set of chart.data.datasets) Object.assign(set, { barPercentage: 0.9 });
    chart.options.datasets.bar.categoryPercentage = 0.7;
    chart.update();
    return chart;
  }

  function drawDecay(canvas) {
    const known = data.windows.filter((one) => one.in !== null && one.out !== null);
    const dots = known.map((one) => ({ x: one.in, y: one.out, number: one.number }));
    const ends = dots.flatMap((dot) => [dot.x, dot.y]);
    const low = Math.min(0, ...ends);
    const high = Math.max(0, ...ends);
    return scatter(
      canvas,
      [
        { data: dots, pointRadius: 4, backgroundColor: color("accent") },
        {
          data: [{ x: low, y: low }, { x: high, y: high }],
          type: "line", pointRadius: 0, borderWidth: 1, borderDash: [4, 3],
          borderColor: color("muted"), pointHitRadius: 0,
        },
      ],
      "in sample",
      "out of sample",
      (item) => `window ${item.raw.number}: ${fixed(item.parsed.x, 2)} in sample, ` +
        `${fixed(item.parsed.y, 2)} out of sample`,
    );
  }

  function drawPaths(canvas) {
    const sorted = [...data.paths].sort((a, b) => a - b);
    return kit.drawBars(
      canvas,
      sorted.map((_, i) => `${i + 1}`),
      sorted,
      color("accent"),
      (item) => `Sharpe ratio ${fixed(item.parsed.y, 2)}`,
      { ticks: { maxRotation: 0, autoSkipPadding: 12 } },
      {},
    );
  }

  kit.drawAll({
    equity: (box) => kit.drawEquity(box, data.equity, []),
    bars: drawWindows,
    decay: drawDecay,
    paths: drawPaths,
  });
})();
