// SPDX-License-Identifier: Apache-2.0
// The page: asks the API once a second and shows what it says. No state of its own but what the
// visitor chose: the source, and which image is looked at.
'use strict';

const PERIOD_MS = 1000;
const RECENT = 12;
const byId = (id) => document.getElementById(id);

const view = {
  source: null,      // name of the source that is shown
  following: true,   // the newest image, or the one the visitor picked
  shown: null,       // file name of the image on the stage
  records: [],       // the newest ones, newest first
  streaming: null,   // source whose stream is on the stage
  streams: 0,        // begun so far
  roundAt: 0,        // when the server was asked last
  lost: false,       // the server did not answer
};

// ---- small tools ----

async function ask(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ? body.error.message : `status ${answer.status}`);
  return body;
}

// Changes the text only where it differs, so that a selection survives.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function mark(element, state) {
  if (element.dataset.state !== state) element.dataset.state = state;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fixed = (value, digits) => value.toFixed(digits);
const known = (value) => typeof value === 'number' && value >= 0;
const percent = (value) => (known(value) ? `${fixed(value * 100, value < 0.1 ? 1 : 0)} %` : 'none');
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;
const words = (name) => name.replaceAll('_', ' ');

function ago(seconds) {
  if (!known(seconds)) return 'never';
  if (seconds < 10) return `${fixed(seconds, 1)} s ago`;
  if (seconds < 120) return `${fixed(seconds, 0)} s ago`;
  if (seconds < 7200) return `${fixed(seconds / 60, 0)} min ago`;
  return `${fixed(seconds / 3600, 0)} h ago`;
}

// Fills a list of terms from rows [term, text, class]; nodes are reused, so nothing jumps.
function fillRows(list, rows) {
  while (list.children.length > rows.length) list.lastChild.remove();
  while (list.children.length < rows.length) {
    const row = document.createElement('div');
    row.append(document.createElement('dt'), document.createElement('dd'));
    list.append(row);
  }
  rows.forEach(([term, text, kind = ''], index) => {
    const row = list.children[index];
    row.className = kind;
    say(row.firstChild, term);
    say(row.lastChild, text);
  });
}

// ---- the source ----

function pickSource(sources) {
  const names = sources.map((source) => source.name);
  const select = byId('source');
  if (names.join('\n') !== [...select.options].map((option) => option.value).join('\n')) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
    byId('picker').hidden = names.length < 2;
  }
  if (!names.includes(view.source)) view.source = names[0] ?? null;
  if (view.source !== null) select.value = view.source;
  return sources.find((source) => source.name === view.source);
}

function showStream(name) {
  if (view.streaming === name) return;
  view.streaming = name;
  const image = byId('live');
  image.removeAttribute('src'); // ends the stream that is running
  if (name === null) return;
  view.streams += 1; // the same URL again would show what the browser kept of the last stream
  image.src = `/api/v1/streams/source.mjpeg?source=${encodeURIComponent(name)}&fresh=${view.streams}`;
  image.alt = `Live picture of the source ${name}`;
}

function showSource(source) {
  const chip = byId('live-state');
  if (!source) {
    say(chip, 'no source');
    mark(chip, 'bad');
    return;
  }
  showStream(source.name);
  if (source.width > 0)
    document.body.style.setProperty('--aspect', `${source.width} / ${source.height}`);
  const live = source.state === 'live';
  say(chip, source.state);
  mark(chip, live || source.state === 'connecting' ? 'good' : 'bad');
  byId('live-empty').hidden = source.frames > 0;
  const facts = [];
  if (!live && source.reason) facts.push(source.reason);
  if (live && known(source.rate)) facts.push(`${fixed(source.rate, 1)} frames/s`);
  if (source.width > 0) facts.push(`${source.width} × ${source.height}`);
  if (source.frames > 0) facts.push(`last frame ${ago(source.last_frame_age_seconds)}`);
  say(byId('live-name'), source.name);
  say(byId('live-facts'), facts.join(', ') || 'no frame yet');
  byId('live-facts').title = `${source.name}: ${source.uri}`;
  byId('profile-link').href = `/api/v1/profile?source=${encodeURIComponent(source.name)}`;
}

// ---- images ----

const current = () => view.records.find((record) => record.file_name === view.shown);

async function showImage(record) {
  if (!record || record.file_name === view.shown) return;
  view.shown = record.file_name;
  const next = new Image();
  next.src = record.url;
  try {
    await next.decode();
  } catch {
    return; // it has left the server's memory
  }
  if (view.shown !== record.file_name) return; // overtaken
  const image = byId('made');
  image.classList.add('swapping');
  image.src = record.url;
  image.alt = `Synthetic image, seed ${record.seed}, mode ${record.privacy}`;
  image.hidden = false;
  byId('made-empty').hidden = true;
  requestAnimationFrame(() => image.classList.remove('swapping'));
  showRecord();
  markStrip();
}

function qualityRows(scores) {
  const limit = known(scores.artefact_limit) ? ` of ${fixed(scores.artefact_limit, 1)}` : '';
  return [
    ['Sharpness, stream = 1', known(scores.sharpness) ? fixed(scores.sharpness, 2) : 'not known'],
    ['Artefact score', known(scores.artefact) ? fixed(scores.artefact, 1) + limit : 'not known'],
    ['Clipped pixels', percent(scores.clipped)],
  ];
}

function auditRows(audit) {
  const copied = known(audit.verbatim_pixels) ? `${whole.format(audit.verbatim_pixels)} px` : 'not known';
  const gate = audit.verbatim_gate ? ` of ${whole.format(audit.verbatim_limit)}` : ', gate off';
  const nearest = known(audit.nearest_rms) ? `${fixed(audit.nearest_rms, 1)} grey levels` : 'not known';
  return [
    ['Foreground', percent(audit.foreground_share)],
    ['Seen in 2 events or more', percent(audit.support_2)],
    ['Largest copied region', copied + gate],
    ['Nearest real frame', nearest],
  ];
}

function showRecord() {
  const record = current();
  if (!record) return;
  const age = (Date.now() - Date.parse(record.time)) / 1000;
  const k = record.privacy === 'verbatim' ? '' : `, k = ${record.k}`;
  say(byId('made-mode'), record.privacy + k);
  say(byId('made-facts'),
    `made ${ago(Math.max(age, 0))}, ${record.parameters.width} × ${record.parameters.height}, seed ${record.seed}`);
  fillRows(byId('record'), [
    ['Seed', record.seed, 'code'],
    ['Attempt', `${record.attempt}`],
    ...qualityRows(record.scores),
    ...auditRows(record.audit),
    ['Made in', `${whole.format((record.generate_seconds + record.validate_seconds) * 1000)} ms`],
    ['Profile', record.profile_id || 'none', 'code'],
  ]);
  const notes = [record.audit.note];
  if (record.parameters.unknown_words) notes.push(`Words not understood: ${record.parameters.unknown_words}`);
  say(byId('record-note'), notes.filter(Boolean).map(sentence).join(' ') || 'Marked as synthetic inside the file.');
  byId('record-image').href = record.url;
  byId('record-json').href = `${record.url}/metadata`;
}

function makeThumb(record) {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.name = record.file_name;
  const image = new Image();
  image.src = record.url;
  image.alt = '';
  button.setAttribute('aria-label', `Image with seed ${record.seed}`);
  button.title = `seed ${record.seed}, ${record.privacy}`;
  button.append(image);
  button.addEventListener('click', () => look(record.file_name));
  return button;
}

// Twelve places, always; pictures move along them.
function showStrip() {
  const strip = byId('strip');
  while (strip.children.length < RECENT) strip.append(document.createElement('li'));
  const thumbs = new Map();
  strip.querySelectorAll('button').forEach((button) => thumbs.set(button.dataset.name, button));
  [...strip.children].forEach((place, index) => {
    const record = view.records[index];
    const button = record && (thumbs.get(record.file_name) ?? makeThumb(record));
    if (!button) place.replaceChildren();
    else if (place.firstChild !== button) place.replaceChildren(button);
  });
  markStrip();
}

function markStrip() {
  byId('strip').querySelectorAll('button').forEach((button) =>
    button.setAttribute('aria-current', String(button.dataset.name === view.shown)));
}

function follow(on) {
  view.following = on;
  byId('follow').setAttribute('aria-pressed', String(on));
}

function look(name) {
  follow(false);
  showImage(view.records.find((record) => record.file_name === name));
}

function showImages(records) {
  const picked = current();
  view.records = records;
  if (picked && !current()) view.records = [...records, picked]; // the one that is looked at stays
  if (view.following || !view.shown) showImage(records[0]);
  showStrip();
  showRecord();
}

// ---- counters ----

function sum(edges, field, test) {
  return edges.filter(test).reduce((total, edge) => total + edge[field], 0);
}

function reasons(counts) {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => [words(reason), whole.format(count), 'sub']);
}

function showCounts(status) {
  const frames = status.edges.filter((edge) => edge.from === 'source' || edge.to === 'profile');
  const dropped = {};
  for (const edge of frames)
    for (const [reason, count] of Object.entries(edge.dropped))
      dropped[reason] = (dropped[reason] ?? 0) + count;
  fillRows(byId('frames'), [
    ['In', whole.format(sum(frames, 'received', (edge) => edge.from === 'source'))],
    ['Profiled', whole.format(sum(frames, 'passed', (edge) => edge.to === 'profile'))],
    ['Dropped', whole.format(sum(frames, 'dropped_total', () => true))],
    ...reasons(dropped),
  ]);
  const images = status.images;
  fillRows(byId('images'), [
    ['Requested', whole.format(images.requested)],
    ['Delivered', whole.format(images.delivered)],
    ['Rejected for good', whole.format(images.rejected)],
    ['Failed', whole.format(images.failed)],
    ['In the making', whole.format(images.in_flight)],
    ['Seeds tried again', whole.format(Object.values(images.attempts_rejected).reduce((a, b) => a + b, 0))],
    ...reasons(images.attempts_rejected),
  ]);
  showLikeness(status.likeness);
}

// The distance of the recent images to the stream, where 1 is what real stretches of it have among
// themselves.
function showLikeness(likeness) {
  const line = byId('likeness');
  if (!known(likeness)) {
    say(line, 'Likeness to the stream is not known yet');
    return;
  }
  const value = document.createElement('b');
  value.textContent = fixed(likeness, 2);
  line.replaceChildren('Likeness to the stream ', value, likeness <= 1.5 ? ', within 1.5' : ', above 1.5: drifting apart');
}

// ---- the form ----

const HINTS = {
  deidentify: 'Objects are blends of at least k others that were recorded.',
  'k-anonymous': 'Only content that was seen in at least k events.',
  verbatim: 'Real content recombined, people included. For use inside the house only.',
};

function showHint() {
  say(byId('privacy-hint'), HINTS[byId('privacy').value]);
}

function showBrightness() {
  const asIs = byId('as-is').checked;
  byId('brightness').disabled = asIs;
  say(byId('brightness-value'), asIs ? '' : Number(byId('brightness').value).toFixed(2));
}

// What the form says; the seed only if there is one.
function readForm() {
  const body = {};
  if (view.source !== null) body.source = view.source;
  body.privacy = byId('privacy').value;
  const prompt = byId('prompt').value.trim();
  if (prompt) body.prompt = prompt;
  const seed = byId('seed').value.trim();
  if (seed) body.seed = seed;
  if (!byId('as-is').checked) body.brightness = Number(byId('brightness').value);
  return body;
}

function showShell() {
  const body = JSON.stringify(readForm(), null, 2).replaceAll("'", "'\\''");
  say(byId('shell'), `curl ${location.origin}/api/v1/generate \\\n  -H 'Content-Type: application/json' \\\n  -H 'Accept: image/png' \\\n  -d '${body}' -o image.png`);
}

const randomSeed = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);

function tell(text, state) {
  say(byId('result'), text);
  mark(byId('result'), state);
}

async function generate(event) {
  event.preventDefault();
  const button = byId('go');
  button.disabled = true;
  tell('Generating', 'wait');
  try {
    const record = await ask('/api/v1/generate', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ seed: randomSeed(), ...readForm() }),
    });
    tell(`Made with seed ${record.seed}`, 'good');
    view.records = [record, ...view.records.filter((other) => other.file_name !== record.file_name)];
    showStrip();
    look(record.file_name);
  } catch (error) {
    tell(error.message, 'bad');
  }
  button.disabled = false;
}

// ---- the round ----

function showReady(status) {
  mark(byId('ready'), status.ready ? 'good' : 'wait');
  say(byId('ready').firstElementChild, status.ready ? 'Ready' : status.reason);
  say(byId('version'), `inferloop ${status.version}`);
}

let formFilled = false;
function fillForm(defaults) {
  if (formFilled) return;
  formFilled = true;
  byId('privacy').value = defaults.privacy;
  showHint();
}

function setLost(lost) {
  if (view.lost && !lost) view.streaming = null; // the stream ended with the server: begin anew
  view.lost = lost;
  document.body.classList.toggle('lost', lost);
  if (!lost) return;
  mark(byId('ready'), 'bad');
  say(byId('ready').firstElementChild, 'No answer from the server, trying again');
}

// After a long sleep of the machine the server has ended the stream, and nobody tells the picture.
function noticeSleep() {
  if (Date.now() - view.roundAt > 20 * PERIOD_MS) view.streaming = null;
  view.roundAt = Date.now();
}

async function round() {
  noticeSleep();
  try {
    const [status, sources] = await Promise.all([ask('/api/v1/status'), ask('/api/v1/sources')]);
    const source = pickSource(sources.sources);
    const only = source ? `&source=${encodeURIComponent(source.name)}` : '';
    const images = await ask(`/api/v1/images?limit=${RECENT}${only}`);
    setLost(false);
    showReady(status);
    fillForm(status.defaults);
    showSource(source);
    showCounts(status);
    showImages(images.images);
    showShell();
  } catch {
    setLost(true);
  }
  setTimeout(round, document.hidden ? 5 * PERIOD_MS : PERIOD_MS);
}

byId('source').addEventListener('change', (event) => {
  view.source = event.target.value;
  view.shown = null;
  follow(true);
});
byId('follow').addEventListener('click', () => {
  follow(!view.following);
  if (view.following) showImage(view.records[0]);
});
byId('live').addEventListener('error', () => {
  setTimeout(() => { view.streaming = null; }, 2 * PERIOD_MS);
});
byId('as-is').addEventListener('change', showBrightness);
byId('brightness').addEventListener('input', showBrightness);
byId('privacy').addEventListener('change', showHint);
byId('form').addEventListener('submit', generate);
byId('form').addEventListener('input', showShell);
showBrightness();
showHint();
showStrip();
round();
