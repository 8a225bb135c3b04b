// Asking and telling the dashboard over HTTP: one envelope, one error, one token.

const REQUEST_MS_MAX = 15_000;

// What the dashboard said no to: its words, its code, the field if it named one.
export class ApiError extends Error {
  constructor(status, error = {}) {
    super(error.message ?? `the dashboard answered ${status}`);
    this.status = status;
    this.code = error.code ?? "";
    this.field = error.field ?? "";
    this.entry = error.entry ?? null;
  }
}

async function once(method, path, body, token) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    headers["X-CSRF-Token"] = token;
    headers["Content-Type"] = "application/json";
  }
  const signal = AbortSignal.timeout(REQUEST_MS_MAX);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: text, signal });
  const said = await answer.json();
  if (!answer.ok || said.ok === false) throw new ApiError(answer.status, said.error);
  return said;
}

const tokenNode = () => document.querySelector('meta[name="csrf-token"]');

export const ask = (path) => once("GET", path);

// A page may outlive the dashboard that served it; then its token is asked for anew, once.
export async function send(method, path, body) {
  try {
    return await once(method, path, body, tokenNode().content);
  } catch (error) {
    if (error.code !== "bad_csrf") throw error;
    const { data } = await ask("/api/csrf");
    tokenNode().content = data.token;
    return once(method, path, body, data.token);
  }
}
