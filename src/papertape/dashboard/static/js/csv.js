// Rows as a file: CSV that no spreadsheet executes, JSON that says what it is. Pure.

// As services/trade_logger.py has it; the last four are the full-width forms.
const FORMULA_STARTS = [..."=+-@\t\r\0\uff1d\uff0b\uff0d\uff20"];
const FIGURE = /^[+−-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/;

// "−1,234.50" as it stands on the page is the number −1234.5 in a file.
export function plainValue(value) {
  if (typeof value !== "string" || !FIGURE.test(value)) return value;
  return Number(value.replaceAll(",", "").replace("−", "-"));
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = FORMULA_STARTS.some((start) => text.startsWith(start)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Every name that any row has, in the order in which they first come.
export function columnsOf(rows) {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

// Rows without some of their names: curves, and what the page itself noted.
export function without(rows, ...names) {
  const kept = ([name]) => !names.includes(name);
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(kept)));
}

export function toCsv(rows) {
  const columns = columnsOf(rows);
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

// about: {panel, mode, address, time}
export function toJson(rows, about) {
  return `${JSON.stringify({ ...about, rows }, null, 2)}\n`;
}

// What a table on the page says, a row per row; a head without a word is named by its place.
export function textRows(heads, lines) {
  const names = heads.map((head, i) => head || `column ${i + 1}`);
  return lines.map((line) =>
    Object.fromEntries(names.map((name, i) => [name, plainValue(line[i] ?? "")])),
  );
}

// A chart's labels and values as rows; a set of values without a name is called "value".
export function chartRows(labels, datasets) {
  return labels.map((label, i) => {
    const values = datasets.map(({ label: name, data }) => [name || "value", data[i] ?? null]);
    return { label, ...Object.fromEntries(values) };
  });
}
