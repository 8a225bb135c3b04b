// The filter of the trades page: form, address and request say the same thing. Pure, for node.

export const FIELDS = ["q", "strategy", "side", "kind", "from", "to"];
export const SORTS = ["-time", "time"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

// What an address asks for; anything that this page does not know is left out.
export function readFilter(search) {
  const params = new URLSearchParams(search);
  const filter = { sort: SORTS.includes(params.get("sort")) ? params.get("sort") : "-time" };
  for (const name of FIELDS) {
    const value = (params.get(name) ?? "").trim();
    const day = name === "from" || name === "to";
    if (value && (!day || DAY.test(value))) filter[name] = value;
  }
  return filter;
}

export function isFiltered(filter) {
  return FIELDS.some((name) => filter[name]);
}

// The page's own address: short, in a fixed order, with the open trade if there is one.
export function pageAddress(path, filter, trade = null) {
  const params = new URLSearchParams();
  for (const name of FIELDS) if (filter[name]) params.set(name, filter[name]);
  if (filter.sort === "time") params.set("sort", "time");
  if (trade) params.set("trade", trade);
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

// A day of this person's clock as the instants between which it lies.
export function dayBounds(day) {
  const [year, month, date] = day.split("-").map(Number);
  const begins = new Date(year, month - 1, date);
  const ends = new Date(year, month - 1, date + 1);
  return { begins: begins.toISOString(), ends: new Date(ends.getTime() - 1).toISOString() };
}

// The same filter as the endpoints of table and export take it.
export function query(filter, more = {}) {
  const params = new URLSearchParams();
  for (const name of ["q", "strategy", "side", "kind"]) {
    if (filter[name]) params.set(name, filter[name]);
  }
  if (filter.from) params.set("from", dayBounds(filter.from).begins);
  if (filter.to) params.set("to", dayBounds(filter.to).ends);
  for (const [name, value] of Object.entries(more)) {
    if (value !== null && value !== undefined) params.set(name, value);
  }
  return params.toString();
}
