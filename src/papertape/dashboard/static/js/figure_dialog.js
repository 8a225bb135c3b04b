// The dialog that a figure opens: formula, inputs, the rows behind it, and the record it is as of.

import { el } from "./dom.js";
import { sheet } from "./sheet.js";

// stories: as figure_story.js tells them; more than one stand below each other under `title`.
export function showFigures(stories, { seq, title = stories[0].title }) {
  const alone = stories.length === 1;
  const nodes = stories.map((story) => figureNode(story, alone));
  const asOf = `As of record ${seq} of the tape (seq). The figure on the page goes on from there.`;
  sheet({ title, nodes: [...nodes, el("p", "figure-asof", asOf)] });
}

function figureNode({ title, value, formula, inputs, note, link }, alone) {
  const box = el("section", "figure-story");
  if (!alone) box.append(el("h3", "", title));
  box.append(el("p", "figure-exact", value), el("p", "figure-formula", `= ${formula}`));
  if (inputs.length > 0) {
    const list = el("dl", "figure-inputs");
    for (const [name, text] of inputs) list.append(el("dt", "", name), el("dd", "", text));
    box.append(list);
  }
  if (note) box.append(el("p", "figure-formula", note));
  if (link) {
    const anchor = el("a", "figure-link", link[0]);
    anchor.href = link[1];
    box.append(anchor);
  }
  return box;
}
