// SPDX-License-Identifier: Apache-2.0
// Incidents: what began, lasts and has cleared, of all sources; of each the reason, the numbers and
// a picture of before and after, once it is opened. Drift of the watched source, and the operator's
// word on it: this is as it should be.
import { ask, byId, clock, make, mark, percent, say, span, store, words } from './tools.js';

const KEPT = 20;
const DRIFT_MS = 5000;
const SEEN_KEY = 'incidents-seen';
const TITLES = {
  offline: 'Source offline', unauthorized: 'Credentials refused', frozen: 'Picture frozen', black: 'Picture black',
  white: 'Picture white', covered: 'Lens covered', defocused: 'Out of focus', moved: 'Camera moved', torn: 'Torn pictures',
  infrared: 'Infrared', exposure: 'Exposure jumped', drift_warning: 'May be drifting', drift: 'Drift', anomaly: 'Strange picture',
  contaminated: 'Kept out of the profile', unsuited: 'Engine unsuited', slow: 'Too slow', degraded: 'Degraded',
};
const STATES = { learning: 'learning what is usual', watching: 'watching for drift', changed: 'drifted, learning the new state' };

const all = new Map(); // id -> incident
let watched = () => null;
let seen = new Set();

// ---- what has been seen ----

function readSeen() {
  try { seen = new Set(JSON.parse(localStorage.getItem(SEEN_KEY) ?? '[]')); } catch { /* begin anew */ }
}

// Ids begin anew with the server; the time tells them apart.
const keyOf = (incident) => `${incident.id} ${incident.noticed}`;

function see(incident) {
  seen.add(keyOf(incident));
  const here = new Set([...all.values()].map(keyOf));
  store(SEEN_KEY, JSON.stringify([...seen].filter((key) => here.has(key))));
  show();
}

// ---- one ----

function number(value) {
  if (typeof value !== 'number') return '–';
  const size = Math.abs(value);
  return size >= 1000 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

// What all sources share, as the making of images, is of none of them.
function whose(incident) {
  return incident.source || 'all sources';
}

function buildPicture(incident, which, title) {
  const figure = make('figure', {}, make('figcaption', { textContent: title }));
  const box = make('div', { className: 'exemplar' },
    make('img', { src: incident[which], alt: `${title}: a picture of ${whose(incident)}`, loading: 'lazy' }));
  if (which === 'after' && incident.region) {
    const [x, y, width, height] = incident.region.map((share) => `${share * 100}%`);
    const frame = make('i', { className: 'region', title: 'where it differs most' });
    Object.assign(frame.style, { left: x, top: y, width, height });
    box.append(frame);
  }
  figure.append(box);
  return figure;
}

function buildNumbers(incident) {
  const table = make('table', { className: 'numbers' }, make('caption', { textContent: 'What tells it' }));
  const head = make('tr');
  for (const name of ['Measure', 'Before', 'After', 'Score']) head.append(make('th', { scope: 'col', textContent: name }));
  table.append(make('thead', {}, head));
  const body = make('tbody');
  for (const feature of incident.features)
    body.append(make('tr', {}, make('th', { scope: 'row', textContent: words(feature.name) }),
      make('td', { textContent: number(feature.before) }), make('td', { textContent: number(feature.after) }),
      make('td', { textContent: number(feature.score) })));
  table.append(body);
  return table;
}

async function accept(incident, button) {
  button.disabled = true;
  try {
    await ask(`/api/v1/sources/${encodeURIComponent(incident.source)}/drift/accept`, { method: 'POST' });
    tell(`${incident.source}: the state of now is accepted.`, 'good');
    see(incident);
  } catch (error) {
    button.disabled = false;
    tell(error.message, 'bad');
  }
}

function buildActions(incident) {
  const row = make('p', { className: 'actions' });
  const lasts = !incident.cleared;
  if (lasts && ['drift', 'contaminated', 'anomaly'].includes(incident.kind)) {
    const button = make('button', { type: 'button', className: 'second accept', textContent: 'This is as it should be' });
    button.addEventListener('click', () => accept(incident, button));
    row.append(button);
  }
  if (!seen.has(keyOf(incident))) {
    const button = make('button', { type: 'button', className: 'quiet seen', textContent: 'Mark as seen' });
    button.setAttribute('aria-label', `Mark ${TITLES[incident.kind] ?? words(incident.kind)} of ${whose(incident)} as seen`);
    button.addEventListener('click', () => {
      see(incident);
      byId('incidents').querySelector(`[data-id="${incident.id}"] summary`)?.focus();
    });
    row.append(button);
  }
  return row;
}

function fillBody(item, incident) {
  const parts = [make('p', { className: 'text', textContent: incident.text })];
  const pictures = make('div', { className: 'exemplars' });
  if (incident.before) pictures.append(buildPicture(incident, 'before', 'Before'));
  if (incident.after) pictures.append(buildPicture(incident, 'after', 'After'));
  if (pictures.children.length) parts.push(pictures);
  if (incident.features.length) parts.push(buildNumbers(incident));
  parts.push(buildActions(incident));
  item.querySelector('.more').replaceChildren(...parts);
}

function buildItem(incident) {
  const details = make('details', {},
    make('summary', {}, make('span', { className: 'dot' }), make('b'), make('span', { className: 'cause' }), make('span', { className: 'from' }), make('span', { className: 'when' })),
    make('div', { className: 'more' }));
  const item = make('li', { className: 'incident' }, details);
  item.dataset.id = incident.id;
  details.addEventListener('toggle', () => details.open && fillBody(item, all.get(incident.id)));
  return item;
}

function whenOf(incident) {
  const begun = new Date(incident.begun);
  if (incident.cleared) return `${clock(begun)}, for ${span((new Date(incident.cleared) - begun) / 1000)}`;
  return `since ${clock(begun)}`;
}

function showItem(item, incident) {
  const [, title, cause, from, when] = item.querySelector('summary').children;
  mark(item, incident.cleared ? 'over' : incident.severity);
  item.classList.toggle('is-seen', seen.has(keyOf(incident)));
  say(title, TITLES[incident.kind] ?? words(incident.kind));
  say(cause, words(incident.cause));
  say(from, whose(incident));
  say(when, whenOf(incident));
  const state = `${incident.cleared} ${incident.text} ${incident.after} ${seen.has(keyOf(incident))}`;
  if (item.dataset.shown === state) return;
  item.dataset.shown = state;
  if (item.firstChild.open) fillBody(item, incident);
}

// ---- all ----

const weight = (incident) => (incident.cleared ? 0 : { info: 1, warning: 2, alarm: 3 }[incident.severity] ?? 1);

function show() {
  const sorted = [...all.values()].sort((a, b) => weight(b) - weight(a) || b.id - a.id);
  for (const incident of sorted.splice(KEPT)) all.delete(incident.id);
  const list = byId('incidents');
  const old = new Map([...list.children].map((item) => [item.dataset.id, item]));
  const items = sorted.map((incident) => old.get(String(incident.id)) ?? buildItem(incident));
  if (items.length !== list.children.length || items.some((item, index) => item !== list.children[index])) {
    const focused = document.activeElement;
    list.replaceChildren(...items);
    if (list.contains(focused)) focused.focus();
  }
  sorted.forEach((incident, index) => showItem(items[index], incident));
  const lasting = sorted.filter((incident) => !incident.cleared).length;
  say(byId('incidents-count'), lasting ? `${lasting} of ${sorted.length} still last${lasting === 1 ? 's' : ''}` : 'none lasts');
  byId('incidents-none').hidden = sorted.length > 0;
}

function tell(text, state = '') {
  say(byId('incidents-news'), text);
  mark(byId('incidents-news'), state);
}

function announce(incident) {
  const title = TITLES[incident.kind] ?? words(incident.kind);
  if (incident.cleared) tell(`${whose(incident)}: ${title} is over.`);
  else tell(`${whose(incident)}: ${title}${incident.cause ? `, ${words(incident.cause)}` : ''}.`, incident.severity === 'alarm' ? 'bad' : '');
}

async function showDrift() {
  const name = watched();
  if (name === null) return;
  try {
    const drift = await ask(`/api/v1/sources/${encodeURIComponent(name)}/drift`);
    const facts = [`${name}: ${STATES[drift.state] ?? drift.state}`];
    if (drift.state !== 'watching') facts.push(percent(drift.learned));
    else facts.push(`evidence of a change ${percent(drift.evidence)} of an alarm`, `${drift.states} known state${drift.states === 1 ? '' : 's'}`);
    say(byId('drift-state'), facts.join(' · '));
  } catch (error) {
    say(byId('drift-state'), error.status === 415 ? 'drift is not watched' : '');
  }
}

export const incidents = {
  begin(ofWatched) {
    watched = ofWatched;
    readSeen();
    setInterval(() => !document.hidden && showDrift(), DRIFT_MS);
  },
  take(incident) {
    const before = all.get(incident.id);
    all.set(incident.id, incident);
    if (!before || Boolean(before.cleared) !== Boolean(incident.cleared)) announce(incident);
    show();
  },
  async fill() {
    const answer = await ask(`/api/v1/incidents?limit=${KEPT}`);
    all.clear();
    for (const incident of answer.incidents) all.set(incident.id, incident);
    show();
    showDrift();
  },
};
