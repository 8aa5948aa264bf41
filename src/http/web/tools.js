// SPDX-License-Identifier: Apache-2.0
// Small tools: asking the API, changing the page without needless work, words for numbers.
export const byId = (id) => document.getElementById(id);

// What the API refused, with its code, status and details.
export class Refusal extends Error {
  constructor(status, error) {
    super(error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.code = error?.code ?? '';
    this.details = error?.details ?? {};
  }
}

export async function ask(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, body?.error);
  return body;
}

export const sendJson = (method, body) => ({
  method,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== 'list') element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Changes only what differs, so that selections survive and readers hear only news.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
export function mark(element, state) {
  if (element.dataset.state !== state) element.dataset.state = state;
}

// Fills a list of terms from rows [term, text, class]; nodes are reused, so nothing jumps.
export function fillRows(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length)
    list.append(make('div', {}, make('dt'), make('dd')));
  rows.forEach(([term, text, kind = ''], index) => {
    const row = list.children[index];
    if (row.className !== kind) row.className = kind;
    say(row.firstChild, term);
    say(row.lastChild, text);
  });
}

export function store(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private windows may have none */ }
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
export const whole = (value) => grouped.format(value);
export const fixed = (value, digits) => value.toFixed(digits);
// Records say -1, and the API null, where a number is not known.
export const known = (value) => typeof value === 'number' && value >= 0;
export const orDash = (value, text) => (known(value) ? text(value) : '–');
export const percent = (value) => orDash(value, (share) => `${fixed(share * 100, share < 0.1 ? 1 : 0)} %`);
export const words = (name) => name.replaceAll('_', ' ');
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

export function span(seconds) {
  if (!known(seconds)) return '–';
  if (seconds < 10) return `${fixed(seconds, 1)} s`;
  if (seconds < 120) return `${fixed(seconds, 0)} s`;
  if (seconds < 7200) return `${fixed(seconds / 60, 0)} min`;
  return `${fixed(seconds / 3600, 0)} h`;
}
export const clock = (date) => date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
