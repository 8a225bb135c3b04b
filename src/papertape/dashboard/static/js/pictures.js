// A chart as a picture that can be shown elsewhere: ground, title, what it is of, and when.

import { color } from "./theme.js";

const MARGIN = 16; // CSS pixels, as all sizes here
const TITLE = 24;
const NOTE = 20;

// drawn: the chart's own canvas. Returns a new one of the same scale.
export function framed(drawn, { title, note }) {
  const scale = drawn.clientWidth ? drawn.width / drawn.clientWidth : devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width + 2 * MARGIN * scale;
  canvas.height = drawn.height + (2 * MARGIN + TITLE + NOTE) * scale;
  const pen = canvas.getContext("2d");
  const font = getComputedStyle(document.body).fontFamily;
  pen.fillStyle = color("panel");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.textBaseline = "top";
  pen.fillStyle = color("text");
  pen.font = `600 ${14 * scale}px ${font}`;
  pen.fillText(title, MARGIN * scale, MARGIN * scale);
  pen.drawImage(drawn, MARGIN * scale, (MARGIN + TITLE) * scale);
  pen.fillStyle = color("muted");
  pen.font = `${12 * scale}px ${font}`;
  pen.fillText(note, MARGIN * scale, canvas.height - (MARGIN + 12) * scale);
  return canvas;
}
