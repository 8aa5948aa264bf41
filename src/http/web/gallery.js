// SPDX-License-Identifier: Apache-2.0
// The recent images, and the dialog that shows one with its record, scores and audit.
import { byId, clock, fillRows, fixed, known, make, mark, orDash, percent, say, sentence, whole, words } from './tools.js';

const RECENT = 12;
const KEPT = 64;   // as many as the server keeps
let records = [];  // newest first
let shown = null;  // the record in the dialog
let opener = null; // where the focus goes when it closes

// ---- the strip: twelve places, always; pictures move along them ----

function makeThumb(record) {
  const image = make('img', { src: record.url, alt: '', decoding: 'async' });
  const label = make('span', { className: 'tag', textContent: tagOf(record) });
  const button = make('button', { type: 'button' }, image, label);
  button.dataset.name = record.file_name;
  button.setAttribute('aria-haspopup', 'dialog');
  button.setAttribute('aria-label', `Synthetic image of ${clock(new Date(record.time))}, seed ${record.seed}: scores and audit`);
  button.addEventListener('click', () => gallery.open(record));
  return button;
}

function tagOf(record) {
  const { objects } = record.audit;
  const made = record.privacy === 'deidentify' && objects === 0 ? 'background' : `${whole(objects)} object${objects === 1 ? '' : 's'}`;
  return record.parameters.prompt ? `“${record.parameters.prompt}”` : made;
}

function showStrip() {
  const strip = byId('strip');
  while (strip.children.length < RECENT) strip.append(make('li'));
  const thumbs = new Map();
  strip.querySelectorAll('button').forEach((button) => thumbs.set(button.dataset.name, button));
  const focused = strip.contains(document.activeElement) ? document.activeElement : null;
  [...strip.children].forEach((place, index) => {
    const record = records[index];
    const button = record && (thumbs.get(record.file_name) ?? makeThumb(record));
    if (!button) place.replaceChildren();
    else if (place.firstChild !== button) place.replaceChildren(button);
  });
  if (focused && document.activeElement !== focused) // it moved along, or out at the end
    (strip.contains(focused) ? focused : strip.querySelector('li:last-child button'))?.focus();
}

// ---- the dialog ----

function makingRows(record) {
  const { parameters } = record;
  const short = (value) => fixed(value, value < 10 ? 2 : 0);
  const asked = Object.entries(record.attained)
    .filter(([, target]) => known(target.asked))
    .map(([name, { asked: wanted, got, met }]) => [`${sentence(words(name)).slice(0, -1)}, asked and got`,
      `${short(wanted)}, ${orDash(got, short)}${met ? '' : ' (nearest)'}`]);
  return [
    ['Time', new Date(record.time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' })],
    ['Source', record.source],
    ['Privacy mode', record.privacy === 'verbatim' ? 'verbatim' : `${record.privacy}, k = ${record.k}`],
    ['Seed', record.seed, 'code'],
    ['Attempt', `${record.attempt}`],
    ['Size', `${parameters.width} × ${parameters.height}`],
    ...(parameters.prompt ? [['Prompt', parameters.prompt], ['Guidance', fixed(parameters.guidance_scale, 1)]] : []),
    ...asked,
    ...(record.adapted ? [['Adaptation rules', record.adapted]] : []),
    ['Made and checked in', orDash(record.generate_seconds + record.validate_seconds, (s) => `${whole(s * 1000)} ms`)],
    ['Profile', record.profile_id || '–', 'code'],
  ];
}

// value of limit, as a bar and in words.
function meter(name, value, limit, digits, help) {
  const row = make('div', { className: 'score', title: help });
  const text = known(value) ? fixed(value, digits) + (known(limit) ? ` of at most ${fixed(limit, digits)}` : '') : '–';
  row.append(make('dt', { textContent: name }), make('dd', { textContent: text }));
  if (known(value) && known(limit) && limit > 0) {
    const bar = make('div', { className: 'bar-of' });
    bar.append(make('i'));
    bar.firstChild.style.width = `${Math.min(100, value / limit * 100)}%`;
    bar.setAttribute('aria-hidden', 'true');
    row.append(bar);
  }
  return row;
}

function showScores(record) {
  const { scores, audit } = record;
  byId('scores').replaceChildren(
    meter('Sharpness, stream = 1', scores.sharpness, -1, 2, 'Laplacian variance against the median of real frames'),
    meter('Artefacts', scores.artefact, scores.artefact_limit, 1, 'Patches that no real frame has; grey levels'),
    meter('Texture beyond real', scores.texture, scores.texture_limit, 1, 'Fine detail beyond what real frames have there'),
    meter('Longest straight cut', scores.seam, 1, 2, 'Against the longest of real frames'),
    meter('Lights mixed', scores.light, 1, 2, 'How far the light of its parts is from that of any one real frame'),
    meter('Largest copied region, pixels', audit.verbatim_pixels, audit.verbatim_gate ? audit.verbatim_limit : -1, 0,
      'The largest region copied from one recorded frame'),
  );
  fillRows(byId('audit'), [
    ['Clipped pixels', percent(scores.clipped)],
    ['Likeness of the recent images', orDash(record.likeness, (v) => fixed(v, 2))],
    ['Foreground', percent(audit.foreground_share)],
    ['Foreground seen in 2 events or more', percent(audit.support_2)],
    ['Largest share of one event', percent(audit.largest_event_share)],
    ['Objects placed, left out', `${whole(audit.objects)}, ${whole(audit.objects_refused)}`],
    ['Distance to the nearest real frame', orDash(audit.nearest_rms, (v) => `${fixed(v, 1)} grey levels`)],
    ['Copies are refused', audit.verbatim_gate ? 'yes' : 'no, switched off by the mode'],
  ]);
}

function showRecord(record) {
  shown = record;
  const image = byId('big');
  image.src = record.url;
  image.alt = `Synthetic image made from ${record.source}, seed ${record.seed}, mode ${record.privacy}`;
  image.width = record.parameters.width;
  image.height = record.parameters.height;
  fillRows(byId('making'), makingRows(record));
  showScores(record);
  const notes = [record.audit.note, record.parameters.unknown_words && `words not understood: ${record.parameters.unknown_words}`];
  say(byId('record-note'), notes.filter(Boolean).map(sentence).join(' ') || 'The file itself carries the mark that it is synthetic.');
  const stem = record.file_name.replace(/\.[a-z]+$/, '');
  for (const format of ['png', 'jpeg', 'webp']) {
    const link = byId(`get-${format}`);
    link.href = `${record.url}?format=${format}`;
    link.download = `${stem}.${format === 'jpeg' ? 'jpg' : format}`;
  }
  byId('get-record').href = `${record.url}/metadata`;
  byId('get-record').download = `${stem}.json`;
  showSteps();
}

const place = () => records.findIndex((record) => record.file_name === shown?.file_name);

function showSteps() {
  const at = place();
  byId('newer').disabled = at <= 0;
  byId('older').disabled = at < 0 || at >= records.length - 1;
}

function step(by) {
  const next = records[place() + by];
  if (place() >= 0 && next) showRecord(next);
}

export const gallery = {
  begin() {
    const dialog = byId('dialog');
    showStrip();
    byId('newer').addEventListener('click', () => step(-1));
    byId('older').addEventListener('click', () => step(1));
    byId('close').addEventListener('click', () => dialog.close());
    dialog.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowLeft') step(-1);
      if (event.key === 'ArrowRight') step(1);
    });
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close(); // beside it
    });
    dialog.addEventListener('close', () => {
      shown = null;
      const back = opener?.isConnected ? opener : byId('strip').querySelector('button');
      back?.focus();
    });
  },

  open(record) {
    opener = document.activeElement;
    showRecord(record);
    byId('dialog').showModal();
    byId('close').focus();
  },

  newest: () => records[0],

  clear() {
    records = [];
    showStrip();
  },

  add(list) {
    const names = new Set(records.map((record) => record.file_name));
    const fresh = list.filter((record) => !names.has(record.file_name));
    if (fresh.length === 0) return;
    records = [...fresh, ...records].sort((a, b) => b.serial - a.serial).slice(0, KEPT);
    showStrip();
    if (shown) showSteps();
    mark(byId('strip'), 'filled');
  },
};
