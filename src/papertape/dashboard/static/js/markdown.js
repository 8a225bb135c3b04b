// A small Markdown: headings, lists, quotes, code, rules, emphasis, links. Its nodes are built one
// by one with text as text, so whatever a note says, it stays words.

import { el } from "./dom.js";

const BLOCKS_MAX = 2_000; // of one note; it has at most 20,000 characters
const DEPTH_MAX = 6; // emphasis within emphasis

const HEADING = /^(#{1,3})\s+(.*)$/;
const BULLET = /^\s{0,3}[-*+]\s+(.*)$/;
const NUMBER = /^\s{0,3}\d{1,9}[.)]\s+(.*)$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const RULE = /^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const FENCE = /^\s{0,3}```/;

// Text as blocks: {kind, inline} or {kind, items} or {kind: "code", text}. Pure.
export function parseMarkdown(text) {
  const lines = String(text ?? "").replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  let i = 0;
  const gather = (pattern) => {
    const found = [];
    for (; i < lines.length && pattern.test(lines[i]); i += 1) {
      found.push(pattern.exec(lines[i])[1]);
    }
    return found;
  };
  while (i < lines.length && blocks.length < BLOCKS_MAX) {
    const line = lines[i];
    const heading = HEADING.exec(line);
    if (line.trim() === "") {
      i += 1;
    } else if (FENCE.test(line)) {
      const end = lines.findIndex((each, at) => at > i && FENCE.test(each));
      const until = end === -1 ? lines.length : end;
      blocks.push({ kind: "code", text: lines.slice(i + 1, until).join("\n") });
      i = until + 1;
    } else if (heading) {
      blocks.push({ kind: `h${heading[1].length}`, inline: parseInline(heading[2]) });
      i += 1;
    } else if (RULE.test(line)) {
      blocks.push({ kind: "rule" });
      i += 1;
    } else if (BULLET.test(line)) {
      blocks.push({ kind: "ul", items: gather(BULLET).map((item) => parseInline(item)) });
    } else if (NUMBER.test(line)) {
      blocks.push({ kind: "ol", items: gather(NUMBER).map((item) => parseInline(item)) });
    } else if (QUOTE.test(line)) {
      blocks.push({ kind: "quote", inline: parseInline(gather(QUOTE).join("\n")) });
    } else {
      const words = [line];
      for (i += 1; i < lines.length && !startsBlock(lines[i]); i += 1) words.push(lines[i]);
      blocks.push({ kind: "p", inline: parseInline(words.join("\n")) });
    }
  }
  return blocks;
}

function startsBlock(line) {
  return (
    line.trim() === "" ||
    [HEADING, BULLET, NUMBER, QUOTE, RULE, FENCE].some((pattern) => pattern.test(line))
  );
}

const INLINE = new RegExp(
  [
    /(`+)([^`]+)\1/, // code
    /\*\*([^*\n]+)\*\*|__([^_\n]+)__/, // strong
    /\*([^*\s][^*\n]*)\*|\b_([^_\s][^_\n]*)_\b/, // em; a name_with_lines is none
    /\[([^\]\n]{1,500})\]\(([^()\s]{1,2000})\)/, // link
  ]
    .map((each) => each.source)
    .join("|"),
);

// A line as parts: strings and {kind: code | strong | em | link, …}. Pure.
export function parseInline(text, depth = 0) {
  const parts = [];
  let rest = text;
  while (rest) {
    const found = depth < DEPTH_MAX ? INLINE.exec(rest) : null;
    if (!found) break;
    if (found.index > 0) parts.push(rest.slice(0, found.index));
    parts.push(inlinePart(found, depth));
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest) parts.push(rest);
  return parts;
}

function inlinePart(found, depth) {
  const [whole, , code, strong, strong2, em, em2, label, address] = found;
  if (code) return { kind: "code", text: code };
  if (strong ?? strong2) {
    return { kind: "strong", inline: parseInline(strong ?? strong2, depth + 1) };
  }
  if (em ?? em2) return { kind: "em", inline: parseInline(em ?? em2, depth + 1) };
  return /^https?:\/\//i.test(address) ? { kind: "link", text: label, address } : whole;
}

const TAGS = { h1: "h4", h2: "h5", h3: "h6", p: "p", quote: "blockquote" }; // below our headings

export function drawMarkdown(node, text) {
  node.replaceChildren(...parseMarkdown(text).map(blockNode));
}

function blockNode(block) {
  if (block.kind === "rule") return el("hr");
  if (block.kind === "code") {
    const node = el("pre");
    node.append(el("code", "", block.text));
    return node;
  }
  if (block.items) {
    const list = el(block.kind);
    for (const item of block.items) {
      const row = el("li");
      row.append(...inlineNodes(item));
      list.append(row);
    }
    return list;
  }
  const node = el(TAGS[block.kind]);
  node.append(...inlineNodes(block.inline));
  return node;
}

function inlineNodes(parts) {
  return parts.map((part) => {
    if (typeof part === "string") return part;
    if (part.kind === "code") return el("code", "", part.text);
    if (part.kind === "link") {
      const link = el("a", "", part.text);
      link.href = part.address;
      link.rel = "noopener noreferrer nofollow";
      link.target = "_blank";
      return link;
    }
    const node = el(part.kind);
    node.append(...inlineNodes(part.inline));
    return node;
  });
}
