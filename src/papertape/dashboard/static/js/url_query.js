// A page's state as its address says it, so that a link shows the same. Pure.
// `known` names what an address may hold: a list of words (the first is the default) or null for
// any short text (the default is none).

const CHARS_MAX = 200;

export function readQuery(search, known) {
  const params = new URLSearchParams(search);
  const query = {};
  for (const [name, words] of Object.entries(known)) {
    const value = params.get(name);
    if (words) query[name] = words.includes(value) ? value : words[0];
    else query[name] = value && value.length <= CHARS_MAX ? value : null;
  }
  return query;
}

// What is not the default, in the order of `known`; "" when all is.
export function writeQuery(query, known) {
  const params = new URLSearchParams();
  for (const [name, words] of Object.entries(known)) {
    const value = query[name];
    if (value && !(words && value === words[0])) params.set(name, value);
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}
