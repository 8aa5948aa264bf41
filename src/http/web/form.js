// SPDX-License-Identifier: Apache-2.0
// The form that makes an image now, and shows it or why not.
import { ask, byId, fixed, make, mark, say, sendJson, sentence, whole, words } from './tools.js';

const HINTS = {
  deidentify: 'Each object is a blend of at least k others that were recorded.',
  'k-anonymous': 'Only content that was seen in at least k events.',
  verbatim: 'Real content recombined, people included. For use inside the house only.',
};
const UNITS = { 1: '', 'grey^2': ' grey²' };
const FIELDS = ['prompt', 'seed', 'privacy', 'k', 'guidance_scale', 'size'];

let filled = false;
let targets = []; // as the server lists them
let shapeOf = () => null; // [width, height] of the source that is watched
let sourceOf = () => null;
let onMade = () => {};
let onOpen = () => {};

function showHints() {
  const privacy = byId('privacy').value;
  say(byId('privacy-hint'), HINTS[privacy]);
  byId('k').disabled = privacy === 'verbatim';
  say(byId('guidance-value'), fixed(Number(byId('guidance_scale').value), 1));
}

// Sizes of the source's own shape.
function showSizes() {
  const shape = shapeOf();
  const select = byId('size');
  const wanted = shape ? [256, 512, 768, 1024].map((side) => {
    const scale = side / Math.max(...shape);
    return shape.map((length) => Math.max(32, Math.round(length * scale))).join('x');
  }) : [];
  const options = [...select.options].slice(1).map((option) => option.value);
  if (wanted.join() === options.join()) return;
  const chosen = select.selectedIndex;
  select.replaceChildren(select.options[0], ...wanted.map((size) => new Option(size.replace('x', ' × '), size)));
  select.selectedIndex = Math.max(0, Math.min(chosen, wanted.length));
}

// A field for each target, from the server's own table.
function buildTarget({ name, unit, minimum, maximum }) {
  const range = `${whole(minimum)} to ${whole(maximum)}${UNITS[unit] ?? ` ${unit}`}`;
  const input = make('input', { id: name, type: 'number', min: minimum, max: maximum, step: 'any',
    autocomplete: 'off', placeholder: 'as the stream' });
  input.setAttribute('aria-describedby', `${name}-range`);
  return make('div', { className: 'field' },
    make('div', { className: 'line' }, make('label', { htmlFor: name, textContent: sentence(words(name)).slice(0, -1) }),
      make('small', { id: `${name}-range`, textContent: range })), input);
}

async function buildTargets() {
  if (targets.length) return;
  const { targets: all } = await ask('/api/v1/config');
  if (targets.length) return; // asked twice
  targets = all;
  byId('targets').replaceChildren(...all.map(buildTarget));
}

// What the form says; only what was chosen.
function read() {
  const body = {};
  if (sourceOf() !== null) body.source = sourceOf();
  body.privacy = byId('privacy').value;
  if (body.privacy !== 'verbatim') body.k = Number(byId('k').value);
  const prompt = byId('prompt').value.trim();
  if (prompt) {
    body.prompt = prompt;
    body.guidance_scale = Number(byId('guidance_scale').value);
  }
  const seed = byId('seed').value.trim();
  if (seed) body.seed = seed;
  for (const { name } of targets)
    if (byId(name).value !== '') body[name] = Number(byId(name).value);
  const size = byId('size').value.split('x').map(Number);
  if (size.length === 2) [body.width, body.height] = size;
  return body;
}

function showShell() {
  const body = JSON.stringify(read(), null, 2).replaceAll("'", "'\\''");
  say(byId('shell'), `curl ${location.origin}/api/v1/generate \\\n  -H 'Content-Type: application/json' \\\n  -H 'Accept: image/png' \\\n  -d '${body}' -o image.png`);
}

const randomSeed = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);

function clearFaults() {
  byId('form').querySelectorAll('[aria-invalid]').forEach((field) => field.removeAttribute('aria-invalid'));
}

function showError(error) {
  const result = byId('result');
  mark(result, 'bad');
  result.replaceChildren(make('p', { role: 'alert', className: 'fault' },
    make('b', { textContent: error.status === 429 || error.status === 503 ? 'Not now. ' : 'No image. ' }), error.message));
  const fields = [...FIELDS, ...targets.map((target) => target.name)];
  const name = fields.includes(error.details?.field) ? error.details.field : ['width', 'height'].includes(error.details?.field) ? 'size' : '';
  if (!name) return;
  byId(name).setAttribute('aria-invalid', 'true');
  byId(name).focus();
}

function unknownWords(record) {
  const unknown = record.parameters.unknown_words;
  return unknown ? [make('p', { className: 'unknown' }, 'Not understood, and left out: ',
    ...unknown.split(' ').flatMap((word) => [make('code', { textContent: word }), ' ']))] : [];
}

function showMade(record) {
  const image = make('img', { src: record.url, width: record.parameters.width, height: record.parameters.height,
    alt: `The image that was made, seed ${record.seed}` });
  const open = make('button', { type: 'button', className: 'quiet', textContent: 'Scores and audit' });
  open.addEventListener('click', () => onOpen(record));
  const save = make('a', { href: record.url, download: record.file_name, textContent: 'Download' });
  mark(byId('result'), 'good');
  byId('result').replaceChildren(image, make('div', {},
    make('p', { role: 'status', className: 'done', textContent: `Made with seed ${record.seed} in ${whole((record.generate_seconds + record.validate_seconds) * 1000)} ms` }),
    ...unknownWords(record), make('p', { className: 'links' }, open, save)));
  byId('result').dataset.file = record.file_name;
}

async function generate(event) {
  event.preventDefault();
  const button = byId('go');
  button.disabled = true;
  say(button, 'Generating…');
  clearFaults();
  try {
    const record = await ask('/api/v1/generate', sendJson('POST', { seed: randomSeed(), ...read() }));
    showMade(record);
    onMade(record);
  } catch (error) {
    showError(error);
  }
  button.disabled = false;
  say(button, 'Generate image');
}

export const form = {
  begin({ shape, source, made, open }) {
    [shapeOf, sourceOf, onMade, onOpen] = [shape, source, made, open];
    byId('form').addEventListener('submit', generate);
    byId('form').addEventListener('input', () => this.show());
    for (const button of byId('ideas').querySelectorAll('button'))
      button.addEventListener('click', () => {
        const prompt = byId('prompt');
        const had = prompt.value.split(/[\s,]+/).filter(Boolean);
        const word = button.textContent;
        prompt.value = (had.includes(word) ? had.filter((other) => other !== word) : [...had, word]).join(' ');
        this.show();
      });
    this.show();
  },

  show() {
    showHints();
    showSizes();
    showShell();
    const had = byId('prompt').value.split(/[\s,]+/);
    for (const button of byId('ideas').querySelectorAll('button'))
      button.setAttribute('aria-pressed', String(had.includes(button.textContent)));
  },

  fill(defaults) {
    buildTargets().catch(() => {}); // the next status tries again
    if (filled) return;
    filled = true;
    byId('privacy').value = defaults.privacy;
    byId('k').value = defaults.k;
    byId('guidance_scale').value = defaults.guidance_scale;
    this.show();
  },
};
