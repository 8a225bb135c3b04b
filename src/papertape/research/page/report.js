// The charts of a backtest report: everything they show stands in the page's own data block.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const {
    chartOptions, color, custom, digitsFor, drawBars, fixed, onCurve, readout, series, signed,
    tone, utc,
  } = kit;

  function drawPrice(box) {
    const library = window.LightweightCharts;
    const points = series(data.price.points, 1);
    // Outcome tokens are read in cents, pairs in their own currency.
    const cents = data.price.outcome;
    const digits = cents ? 1 : digitsFor(points.map((point) => point.value));
    const format = custom(digits, cents ? " ¢" : "", cents ? 100 : 1);
    if (cents) format.minMove = 0.001;
    const chart = library.createChart(box, chartOptions());
    const line = chart.addSeries(library.LineSeries, {
      color: color("muted"),
      lineWidth: 1,
      priceLineVisible: false,
      priceFormat: format,
    });
    line.setData(points);
    const marks = new Map(); // one mark per point of the line and side
    for (const [ms, bought] of data.price.fills) {
      const time = onCurve(points, Math.floor(ms / 1000));
      marks.set(`${time} ${bought}`, {
        time,
        position: bought ? "belowBar" : "aboveBar",
        shape: bought ? "arrowUp" : "arrowDown",
        size: 0.8,
        color: color(bought ? "gain" : "loss"),
      });
    }
    library.createSeriesMarkers(line, [...marks.values()].sort((a, b) => a.time - b.time));
    chart.timeScale().fitContent();
    readout(box, chart, (event) => {
      const value = event.seriesData.get(line)?.value;
      return value === undefined ? "" : `${utc(event.time)} UTC · ${format.formatter(value)}`;
    });
    return chart;
  }

  function drawPnl(canvas) {
    const { labels, values } = data.pnl;
    const hours = labels[0].includes("T");
    const short = labels.map((label) => (hours ? label.slice(5, 16) : label.slice(5)));
    const digits = digitsFor([...values, 0]);
    return drawBars(
      canvas,
      short.map((label) => label.replace("T", " ")),
      values,
      values.map(tone),
      (item) => signed(item.parsed.y, Math.max(2, digits)),
      { ticks: { maxRotation: 0, autoSkipPadding: 16 } },
      { ticks: { callback: (value) => signed(value, value % 1 ? Math.min(digits, 4) : 0) } },
    );
  }

  function drawDistribution(canvas) {
    const bins = data.distribution;
    const width = bins[0].to - bins[0].from;
    const digits = Math.min(4, Math.max(0, -Math.floor(Math.log10(width) + 1e-9)));
    const edge = (value) => fixed(value, digits);
    const last = bins.length - 1;
    const name = (bin, i) => {
      if (i === 0 && last > 0) return `below ${edge(bin.to)}`;
      return i === last ? `${edge(bin.from)} and more` : `${edge(bin.from)} to ${edge(bin.to)}`;
    };
    const ticks = {
      maxRotation: 0,
      autoSkipPadding: 12,
      callback: (value) => edge(bins[value].from),
    };
    return drawBars(
      canvas,
      bins.map(name),
      bins.map((bin) => bin.count),
      bins.map((bin) => tone(bin.from + bin.to)),
      (item) => `${fixed(item.parsed.y, 0)} round trip${item.parsed.y === 1 ? "" : "s"}`,
      { ticks },
      { beginAtZero: true, ticks: { precision: 0 } },
    );
  }

  kit.drawAll({
    equity: (box) => kit.drawEquity(box, data.equity, data.trips),
    price: drawPrice,
    pnl: drawPnl,
    distribution: drawDistribution,
  });
})();
