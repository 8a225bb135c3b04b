// What every report draws with: colours of the page, numbers as people read them, the curve.
"use strict";

const kit = (() => {
  const MINUS = "\u2212";
  const MARKS_MAX = 60; // over the width of a chart; more would hide the line they stand on

  function color(name) {
    const probe = document.createElement("span");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  function faint(name) {
    return color(name).replace("rgb(", "rgba(").replace(")", ", 0.2)");
  }

  const figures = new Map();

  function fixed(value, digits) {
    if (!figures.has(digits)) {
      const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      figures.set(digits, new Intl.NumberFormat("en-US", options));
    }
    const text = figures.get(digits).format(Math.abs(value));
    return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
  }

  // As many digits as tell the values of a chart apart.
  function digitsFor(values) {
    const span = Math.max(...values) - Math.min(...values);
    if (!(span > 0)) return 2;
    return Math.min(6, Math.max(2, 2 - Math.floor(Math.log10(span))));
  }

  function signed(value, digits = 2) {
    const text = fixed(value, digits);
    return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  }

  function tone(value) {
    if (value > 0) return color("gain");
    return value < 0 ? color("loss") : color("muted");
  }

  function utc(seconds) {
    return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
  }

  function tick(seconds, kind) {
    const text = new Date(seconds * 1000).toISOString();
    if (kind === 0) return text.slice(0, 4);
    if (kind < 3) return text.slice(5, 10);
    return text.slice(11, kind === 3 ? 16 : 19); // lightweight-charts: 3 time, 4 with seconds
  }

  function chartOptions() {
    return {
      autoSize: true,
      layout: {
        background: { type: "solid", color: "transparent" },
        textColor: color("muted"),
        fontSize: 12,
        fontFamily: getComputedStyle(document.body).fontFamily,
        attributionLogo: false, // named in the footer
        panes: { separatorColor: color("line"), enableResize: false },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: color("line") } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.08 } },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: true,
        tickMarkFormatter: tick,
        minBarSpacing: 0.02, // the whole curve fits a phone
      },
      localization: { timeFormatter: (time) => `${utc(time)} UTC` },
      crosshair: {
        mode: 0,
        vertLine: { color: color("muted"), labelBackgroundColor: color("raised") },
        horzLine: { color: color("muted"), labelBackgroundColor: color("raised") },
      },
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
    };
  }

  // Whole seconds, rising, the last value of each.
  function series(rows, column) {
    const points = new Map();
    for (const row of rows) points.set(Math.floor(row[0] / 1000), row[column]);
    return [...points].map(([time, value]) => ({ time, value })).sort((a, b) => a.time - b.time);
  }

  // The time on the curve at or after `time`; marks can stand on points of the curve only.
  function onCurve(points, time) {
    let low = 0;
    let high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle].time < time) low = middle + 1;
      else high = middle;
    }
    return points[low].time;
  }

  function custom(digits, unit = "", factor = 1) {
    const formatter = (value) => `${fixed(value * factor, digits)}${unit}`;
    return { type: "custom", formatter, minMove: 10 ** -digits };
  }

  function readout(box, chart, describe) {
    const line = document.createElement("p");
    line.className = "readout";
    box.append(line);
    chart.subscribeCrosshairMove((event) => {
      line.textContent = event.time === undefined ? "" : describe(event);
    });
  }

  // rows: [ms, equity, drawdown in percent]; trips: [ms, net] of round trips that ended.
  function drawEquity(box, rows, trips) {
    const library = window.LightweightCharts;
    const points = series(rows, 1);
    const digits = digitsFor(points.map((point) => point.value));
    const depth = series(rows, 2);
    const depthDigits = digitsFor(depth.map((point) => point.value));
    const chart = library.createChart(box, chartOptions());
    const line = chart.addSeries(library.LineSeries, {
      color: color("accent"),
      lineWidth: 1.5,
      priceLineVisible: false,
      priceFormat: custom(digits),
    });
    const below = chart.addSeries(
      library.BaselineSeries,
      {
        baseValue: { type: "price", price: 0 },
        lineWidth: 1,
        topLineColor: color("muted"),
        topFillColor1: "transparent",
        topFillColor2: "transparent",
        bottomLineColor: color("loss"),
        bottomFillColor1: faint("loss"),
        bottomFillColor2: faint("loss"),
        priceLineVisible: false,
        lastValueVisible: false,
        priceFormat: custom(depthDigits, " %"),
      },
      1,
    );
    line.setData(points);
    below.setData(depth);
    chart.panes()[0].setStretchFactor(3);
    chart.panes()[1].setStretchFactor(1);
    library.createSeriesMarkers(line, tripMarks(points, trips));
    chart.timeScale().fitContent();
    readout(box, chart, (event) => {
      const value = event.seriesData.get(line)?.value;
      if (value === undefined) return "";
      const under = event.seriesData.get(below)?.value ?? 0;
      const depthText = fixed(Math.abs(under), depthDigits);
      return `${utc(event.time)} UTC · ${fixed(value, digits)} · drawdown ${depthText} %`;
    });
    return chart;
  }

  // A dot stands for the round trips that ended in one stretch of time, their P&L added up.
  function tripMarks(points, trips) {
    if (points.length === 0) return [];
    const marks = new Map();
    const begin = points[0].time;
    const stretch = Math.max(1, (points.at(-1).time - begin) / MARKS_MAX);
    for (const [ms, net] of trips) {
      const slot = Math.floor((ms / 1000 - begin) / stretch);
      const mark = marks.get(slot) ?? { time: 0, net: 0 };
      mark.time = onCurve(points, Math.floor(ms / 1000));
      mark.net += net;
      marks.set(slot, mark);
    }
    return [...marks.values()]
      .sort((a, b) => a.time - b.time)
      .map(({ time, net }) => ({
        time, position: "inBar", shape: "circle", size: 0.5, color: tone(net),
      }));
  }

  function axis(extra) {
    const { ticks, ...rest } = extra;
    const zero = (at) => color(at.tick?.value === 0 ? "muted" : "line");
    return {
      border: { display: false },
      grid: { color: zero, lineWidth: 1 },
      ticks: { color: color("muted"), font: { size: 12 }, maxTicksLimit: 6, ...ticks },
      ...rest,
    };
  }

  function drawBars(canvas, labels, values, colors, text, x, y, plugins = []) {
    return new window.Chart(canvas, {
      type: "bar",
      plugins,
      data: { labels, datasets: [{ data: values, backgroundColor: colors, borderRadius: 2 }] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        datasets: { bar: { categoryPercentage: 0.94, barPercentage: 1, maxBarThickness: 32 } },
        plugins: {
          legend: { display: false },
          tooltip: {
            displayColors: false,
            backgroundColor: color("raised"),
            titleColor: color("text"),
            bodyColor: color("text"),
            borderColor: color("line"),
            borderWidth: 1,
            cornerRadius: 6,
            callbacks: { label: text },
          },
        },
        scales: { x: axis({ grid: { display: false }, ...x }), y: axis(y) },
      },
    });
  }

  function scatter(canvas, sets, x, y, label) {
    const titled = (text) => ({ display: true, text, color: color("muted"), font: { size: 12 } });
    return new window.Chart(canvas, {
      type: "scatter",
      data: { datasets: sets },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        plugins: {
          legend: { display: false },
          tooltip: {
            displayColors: false,
            backgroundColor: color("raised"),
            bodyColor: color("text"),
            borderColor: color("line"),
            borderWidth: 1,
            cornerRadius: 6,
            callbacks: { label },
          },
        },
        scales: { x: axis({ title: titled(x) }), y: axis({ title: titled(y) }) },
      },
    });
  }

  // Draw each chart into the element of its name; again when the page turns dark or light.
  function drawAll(makers) {
    const drawn = new Map();
    const draw = () => {
      for (const [id, make] of Object.entries(makers)) {
        const place = document.getElementById(id);
        const old = drawn.get(id);
        old?.remove?.();
        old?.destroy?.();
        if (place) place.replaceChildren();
        if (place) drawn.set(id, make(place));
      }
    };
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  return {
    axis, chartOptions, color, custom, digitsFor, drawAll, drawBars, drawEquity, faint, fixed,
    onCurve, readout, scatter, series, signed, tone, utc,
  };
})();
