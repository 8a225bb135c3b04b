// A line of the size of a word: shape without axes; the figure beside it says the value.

import { svgEl } from "./dom.js";

export const SPARK_WIDTH = 100;
export const SPARK_HEIGHT = 28;
const MARGIN = 2;
const POINTS_MAX = 60;

// The polyline of values in a 100 by 28 box; "" when there is no line to draw.
export function sparkPoints(values) {
  const known = values.filter((value) => Number.isFinite(value));
  if (known.length < 2) return "";
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  const step = SPARK_WIDTH / (known.length - 1);
  const height = SPARK_HEIGHT - 2 * MARGIN;
  return known
    .map((value, i) => {
      const y = span === 0 ? SPARK_HEIGHT / 2 : MARGIN + height * (1 - (value - low) / span);
      return `${(i * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

// Every so many-th value and the last: more of them than this is a smear.
export function thinned(values, most = POINTS_MAX) {
  if (values.length <= most) return values;
  const step = (values.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => values[Math.round(i * step)]);
}

export function drawSpark(svg, values) {
  const points = sparkPoints(thinned(values));
  if (svg.dataset.points === points) return;
  svg.dataset.points = points;
  if (!points) {
    svg.replaceChildren();
    return;
  }
  if (!svg.firstElementChild) svg.append(svgEl("polyline"));
  svg.firstElementChild.setAttribute("points", points);
}
