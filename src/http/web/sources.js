// SPDX-License-Identifier: Apache-2.0
// The sources: the live pictures of the one that is watched, and the list of all with their state;
// adding and removing where the API offers it.
import { session } from './session.js';
import { ask, byId, fixed, known, make, mark, percent, say, sendJson, span, store, whole } from './tools.js';

const AGAIN_MS = 2000;
const SURE_MS = 5000; // to press Remove a second time

let rows = [];        // as the API tells them
let watched = null;   // name
let streamed = '';    // what the two pictures show now
let streams = 0;      // begun so far
let changeable = false;
let onWatch = () => {};

// ---- live pictures ----

// The same URL again would show what the browser kept of the last stream.
function stream(id, path, alt) {
  const image = byId(id);
  image.removeAttribute('src'); // ends the one that is running
  image.src = `/api/v1/streams/${path}?source=${encodeURIComponent(watched)}&fresh=${streams}`;
  image.alt = alt;
}

function showStreams() {
  if (watched === null || streamed === watched) return;
  streamed = watched;
  streams += 1;
  stream('live', 'source.mjpeg', `Live picture of the source ${watched}`);
  stream('made', 'synthetic.mjpeg', `The newest synthetic image made from ${watched}`);
}

function shape(source) {
  if (source.width < 1) return;
  const aspect = `${source.width} / ${source.height}`;
  document.documentElement.style.setProperty('--aspect', aspect);
  store('aspect', aspect);
}

const good = (source) => source.state === 'live' || source.state === 'connecting';
const ageOf = (source) => (known(source.last_frame_age_seconds) ? `${span(source.last_frame_age_seconds)} ago` : 'none yet');

function showWatched(source) {
  const chip = byId('live-state');
  say(chip, source ? source.state : 'no source');
  mark(chip, source && good(source) ? 'good' : 'bad');
  byId('live-empty').hidden = Boolean(source && source.frames > 0);
  say(byId('live-empty'), source?.reason && !good(source) ? source.reason : 'Waiting for the first frame');
  say(byId('live-name'), source?.name ?? '');
  if (!source) {
    say(byId('live-facts'), 'Add one below');
    return;
  }
  shape(source);
  const facts = [];
  if (source.state !== 'live' && source.reason) facts.push(source.reason);
  else if (known(source.rate)) facts.push(`${fixed(source.rate, 1)} frames/s`);
  if (source.width > 0) facts.push(`${source.width} × ${source.height}`);
  say(byId('live-facts'), facts.join(' · '));
  byId('profile-file').href = `/api/v1/profile?source=${encodeURIComponent(source.name)}`;
  byId('profile-file').download = `${source.name}-profile.json`;
}

function showPicker() {
  const select = byId('source');
  const names = rows.map((row) => row.name);
  if (names.join('\n') !== [...select.options].map((option) => option.value).join('\n'))
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  byId('picker').hidden = names.length < 2;
  if (watched !== null) select.value = watched;
}

function watch(name) {
  if (name === watched) return;
  watched = name;
  onWatch(name);
}

// ---- the list ----

function buildRow(name) {
  const row = make('li', { className: 'source' });
  row.dataset.name = name;
  const see = make('button', { type: 'button', className: 'quiet see', textContent: 'Watch' });
  see.setAttribute('aria-label', `Watch ${name}`);
  see.addEventListener('click', () => {
    watch(name);
    show();
  });
  const remove = make('button', { type: 'button', className: 'quiet remove', textContent: 'Remove' });
  remove.setAttribute('aria-label', `Remove ${name}`);
  remove.addEventListener('click', () => askRemove(remove, name));
  row.append(
    make('p', { className: 'who' }, make('span', { className: 'dot' }), make('b', { textContent: name }), make('span', { className: 'what' })),
    make('p', { className: 'uri' }), make('p', { className: 'how' }), make('p', { className: 'doing' }, see, remove));
  return row;
}

function showRow(row, source) {
  const [who, uri, how] = row.children;
  mark(row, good(source) && !source.camera ? source.state : 'bad');
  say(who.lastChild, known(source.state_age_seconds) ? `${source.state} for ${span(source.state_age_seconds)}` : source.state);
  say(uri, source.uri);
  const facts = [`last good frame ${ageOf(source)}`];
  if (source.state === 'live') facts.push(`${fixed(source.rate, 1)} frames/s`);
  facts.push(`${whole(source.frames)} frames`);
  if (source.loops > 0) facts.push(`${whole(source.loops)} loop${source.loops === 1 ? '' : 's'}`);
  if (source.rung !== 'full') facts.unshift(`${source.rung}: ${percent(source.analysed_share)} analysed, ${percent(source.complete_share)} in full`);
  if (source.busy_share >= 0.9 && source.lag_seconds >= 1) facts.unshift(`decoding is ${fixed(source.lag_seconds, 1)} s behind`);
  if (source.camera) facts.unshift(`camera: ${source.camera}`);
  if (source.reason) facts.unshift(source.reason);
  if (known(source.next_attempt_seconds)) facts.push(`tried again in ${span(source.next_attempt_seconds)}`);
  if (source.breaker_open) facts.push('probing: it failed again and again');
  say(how, facts.join(' · '));
  row.querySelector('.see').hidden = rows.length < 2;
  row.querySelector('.see').disabled = source.name === watched;
  row.querySelector('.remove').hidden = !changeable;
}

function showList() {
  const list = byId('sources');
  const old = new Map([...list.children].map((row) => [row.dataset.name, row]));
  const fresh = rows.map((source) => old.get(source.name) ?? buildRow(source.name));
  if (fresh.length !== list.children.length || fresh.some((row, index) => row !== list.children[index]))
    list.replaceChildren(...fresh);
  rows.forEach((source, index) => showRow(fresh[index], source));
}

function show() {
  if (!rows.some((row) => row.name === watched)) watch(rows[0]?.name ?? null);
  showPicker();
  showStreams();
  showWatched(rows.find((row) => row.name === watched));
  showList();
}

// ---- adding and removing ----

function tell(text, state) {
  say(byId('source-result'), text);
  mark(byId('source-result'), state);
}

// What this server does not let us do is not offered again.
function refused(error) {
  const field = error.details?.field;
  const forbidden = error.status === 405 || (error.status === 403 && !field);
  if (forbidden) offer(false);
  tell(forbidden ? `Sources can't be changed here: ${error.message}` : error.message, 'bad');
  if (field !== 'uri' && field !== 'name') return;
  byId(`add-${field}`).setAttribute('aria-invalid', 'true');
  byId(`add-${field}`).focus();
}

function offer(possible) {
  changeable = possible;
  byId('add').hidden = !possible;
  show();
}

async function add(event) {
  event.preventDefault();
  const uri = byId('add-uri'), name = byId('add-name');
  for (const field of [uri, name]) field.removeAttribute('aria-invalid');
  tell('Opening it', 'wait');
  try {
    const body = { uri: uri.value.trim() };
    if (name.value.trim()) body.name = name.value.trim();
    const made = await ask('/api/v1/sources', sendJson('POST', body));
    tell(`Added ${made?.name ?? (body.name || body.uri)}`, 'good');
    byId('add').reset();
    uri.focus();
  } catch (error) {
    refused(error);
  }
}

function askRemove(button, name) {
  if (button.dataset.state === 'sure') {
    remove(name);
    return;
  }
  mark(button, 'sure');
  say(button, 'Really?');
  button.setAttribute('aria-label', `Press again to remove ${name}`);
  setTimeout(() => {
    mark(button, '');
    say(button, 'Remove');
    button.setAttribute('aria-label', `Remove ${name}`);
  }, SURE_MS);
}

async function remove(name) {
  tell(`Removing ${name}`, 'wait');
  try {
    await ask(`/api/v1/sources/${encodeURIComponent(name)}`, { method: 'DELETE' });
    tell(`Removed ${name}`, 'good');
    rows = rows.filter((row) => row.name !== name);
    show();
  } catch (error) {
    refused(error);
  }
}

export const sources = {
  watched: () => watched,

  begin(watchedChanged) {
    onWatch = watchedChanged;
    byId('source').addEventListener('change', (event) => {
      watch(event.target.value);
      show();
    });
    byId('add').addEventListener('submit', add);
    for (const id of ['live', 'made'])
      byId(id).addEventListener('error', () => {
        if (byId(id).hasAttribute('src')) setTimeout(() => { streamed = ''; }, AGAIN_MS);
      });
    byId('made').addEventListener('load', () => { byId('made-empty').hidden = true; });
  },

  take(list) {
    rows = list;
    show();
  },

  // Streams end with the server, and nobody tells the pictures.
  restart() {
    streamed = '';
  },

  pause() {
    streamed = '';
    byId('live').removeAttribute('src');
    byId('made').removeAttribute('src');
  },

  async learn() {
    const { routes } = await ask('/api/v1');
    offer(session.mayWrite && routes.some((route) => route.method === 'POST' && route.path === '/api/v1/sources'));
  },
};
