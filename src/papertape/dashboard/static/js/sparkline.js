// A line of the size of a word: shape without axes; the figure beside it says the value.

import { svgEl } from "./dom.js";

export const SPARK_WIDTH = 100;
export const SPARK_HEIGHT = 28;
const MARGIN = 2;

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

export function drawSpark(svg, values) {
  const points = sparkPoints(values);
  if (svg.dataset.points === points) return;
  svg.dataset.points = points;
  if (!points) {
    svg.replaceChildren();
    return;
  }
  if (!svg.firstElementChild) svg.append(svgEl("polyline"));
  svg.firstElementChild.setAttribute("points", points);
}
