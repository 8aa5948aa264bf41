// SPDX-License-Identifier: Apache-2.0
// What flows and what is lost: each step from camera to dataset with its rate, its queue and what
// it dropped, by cause; why images were rejected; the figures of now.
import { byId, fixed, known, make, mark, orDash, percent, say, span, whole, words } from './tools.js';

const RATE_MS = 20000; // rates are over this long
const REASONS = {
  sharpness: 'less sharp than the stream',
  exposure: 'too much is clipped',
  artefact: 'patches no real frame has',
  foreground: 'too few others support it',
  verbatim: 'copied from one frame',
};
let past = []; // [{ at, status }], oldest first

const keyOf = (edge) => `${edge.source}/${edge.from}/${edge.to}`;

// Per second over the last stretch, or null where it is too short to tell.
function rateOf(count) {
  const first = past[0], last = past.at(-1);
  if (!first || last.at - first.at < 4000) return null;
  const from = count(first.status), to = count(last.status);
  return from === undefined || to === undefined || to < from ? null : (to - from) * 1000 / (last.at - first.at);
}

const passed = (key) => (status) => status.edges.find((edge) => keyOf(edge) === key)?.passed;

function buildStep() {
  return make('tr', {}, make('th', { scope: 'row' }), ...['rate', 'passed', 'waiting', 'dropped'].map((name) => make('td', { className: name })));
}

function showStep(row, edge) {
  const [name, rate, count, waiting, dropped] = row.children;
  const perSecond = rateOf(passed(keyOf(edge)));
  say(name, `${edge.from} → ${edge.to}`);
  say(rate, known(perSecond) ? `${fixed(perSecond, 1)}/s` : '–');
  say(count, whole(edge.passed));
  say(waiting, whole(edge.waiting + edge.busy));
  const causes = Object.entries(edge.dropped).filter(([, number]) => number > 0);
  say(dropped, causes.length ? causes.map(([cause, number]) => `${whole(number)} ${words(cause)}`).join(', ') : '0');
  mark(dropped, causes.length ? 'some' : 'none');
}

function showSteps(status, source) {
  const edges = status.edges.filter((edge) => !edge.source || edge.source === source);
  const body = byId('steps');
  while (body.children.length > edges.length) body.lastChild.remove();
  while (body.children.length < edges.length) body.append(buildStep());
  edges.forEach((edge, index) => showStep(body.children[index], edge));
}

function showRejections(images) {
  const counts = Object.entries(REASONS).map(([reason, help]) => [reason, images.attempts_rejected[reason] ?? 0, help]);
  for (const [reason, count] of Object.entries(images.attempts_rejected))
    if (!(reason in REASONS)) counts.push([reason, count, '']);
  const most = Math.max(1, ...counts.map(([, count]) => count));
  const list = byId('rejections');
  while (list.children.length < counts.length)
    list.append(make('div', {}, make('dt', {}, make('b'), make('span')), make('dd'), make('div', { className: 'bar-of' }, make('i'))));
  counts.forEach(([reason, count, help], index) => {
    const [term, number, bar] = list.children[index].children;
    say(term.firstChild, words(reason));
    say(term.lastChild, help);
    say(number, whole(count));
    bar.setAttribute('aria-hidden', 'true');
    bar.firstChild.style.width = `${count / most * 100}%`;
  });
}

const SHARE = (value) => percent(value ?? -1);
const AUDIT = [
  ['largest_event_share', 'From a single event', SHARE],
  ['support_1', 'Seen in an event', SHARE],
  ['support_2', 'Seen in 2 or more', SHARE],
  ['support_4', 'Seen in 4 or more', SHARE],
  ['verbatim_pixels', 'Copied region, pixels', (value) => orDash(value, whole)],
  ['nearest_rms', 'To the nearest real frame, grey levels', (value) => orDash(value, (grey) => fixed(grey, 1))],
];

// Of the newest images of this source: what validation found in them.
function showAudit(audit) {
  const body = byId('audit-rolling');
  while (body.children.length < AUDIT.length)
    body.append(make('tr', {}, make('th', { scope: 'row' }), make('td'), make('td')));
  AUDIT.forEach(([name, term, text], index) => {
    const [head, median, worst] = body.children[index].children;
    say(head, term);
    say(median, text(audit?.[name].median));
    say(worst, text(audit?.[name].worst));
  });
  const rejected = audit ? Object.entries(audit.verdicts).filter(([verdict, count]) => verdict !== 'none' && count > 0) : [];
  say(byId('audit-of'), audit?.images
    ? `Audit of the newest ${whole(audit.images)}: ${whole(audit.verdicts.none)} delivered${rejected.map(([verdict, count]) => `, ${whole(count)} rejected for ${words(verdict)}`).join('')}`
    : 'Audit of the newest images');
}

function showLedger(images) {
  for (const name of ['requested', 'delivered', 'rejected', 'failed', 'in_flight'])
    say(byId(`ledger-${name}`), whole(images[name]));
}

const attempts = (images) => images.delivered + Object.values(images.attempts_rejected).reduce((a, b) => a + b, 0);

function tile(id, value, unit, state = '') {
  const element = byId(id);
  say(element.querySelector('b'), value);
  say(element.querySelector('small'), unit);
  mark(element, state);
}

function showTiles(status, source) {
  const { images } = status;
  const perSecond = rateOf((then) => then.images.delivered);
  const tried = attempts(images);
  const dropped = status.edges.reduce((sum, edge) => sum + edge.dropped_total, 0);
  const waiting = status.edges.reduce((sum, edge) => sum + edge.waiting + edge.busy, 0);
  const age = source?.last_frame_age_seconds;
  tile('tile-rate', source && known(source.rate) ? fixed(source.rate, 1) : '–', 'frames/s');
  tile('tile-age', known(age) ? span(age) : '–', known(age) ? 'ago' : '', known(age) && age > 5 ? 'bad' : '');
  tile('tile-images', known(perSecond) ? fixed(perSecond * 60, perSecond < 0.15 ? 1 : 0) : '–', 'per minute');
  tile('tile-accepted', tried > 0 ? `${fixed(images.delivered / tried * 100, 0)} %` : '–', tried > 0 ? `of ${whole(tried)}` : '');
  tile('tile-likeness', known(status.likeness) ? fixed(status.likeness, 2) : '–',
    known(status.likeness) ? (status.likeness <= 1.5 ? 'within 1.5' : 'above 1.5') : 'not known yet',
    known(status.likeness) && status.likeness > 1.5 ? 'warn' : '');
  tile('tile-queues', whole(waiting), dropped ? `${whole(dropped)} dropped` : 'none dropped');
}

export const flow = {
  take(status, source) {
    const at = Date.now();
    if (past.length && status.images.requested < past.at(-1).status.images.requested) past = []; // begun anew
    past.push({ at, status });
    past = past.filter((entry) => at - entry.at <= RATE_MS);
    showSteps(status, source?.name);
    showRejections(status.images);
    showLedger(status.images);
    showAudit(source?.audit);
    showTiles(status, source);
  },
};
