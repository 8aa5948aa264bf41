// SPDX-License-Identifier: Apache-2.0
// The page: what comes in by the feed goes to the parts that show it. No state but what the visitor
// chose and what the server told.
import { charts } from './charts.js';
import { Feed } from './feed.js';
import { flow } from './flow.js';
import { form } from './form.js';
import { gallery } from './gallery.js';
import { incidents } from './incidents.js';
import { session } from './session.js';
import { sources } from './sources.js';
import { ask, byId, clock, mark, say, store } from './tools.js';

const IMAGES_KEPT = 64;
let rows = [];      // sources
let began = false;  // this source's images and history were asked for

const ofWatched = (name) => name === sources.watched();

// ---- the theme ----

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function showTheme() {
  byId('theme').setAttribute('aria-pressed', String(isDark()));
}

function turnTheme() {
  const theme = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  store('theme', theme);
  showTheme();
}

// ---- what comes in ----

function showNewest() {
  const record = gallery.newest();
  if (!record) return;
  const k = record.privacy === 'verbatim' ? '' : `, k = ${record.k}`;
  say(byId('made-mode'), record.privacy + k);
  say(byId('made-facts'), `${clock(new Date(record.time))} · ${record.parameters.width} × ${record.parameters.height}`);
  byId('newest').disabled = false;
}

function takeImages(records) {
  const own = records.filter((record) => ofWatched(record.source));
  gallery.add(own);
  own.forEach((record) => charts.addLikeness(record));
  showNewest();
}

// What was there before we listened.
async function fill(name) {
  if (name === null) return;
  const of = `source=${encodeURIComponent(name)}`;
  try {
    const [images, history] = await Promise.all([
      ask(`/api/v1/images?limit=${IMAGES_KEPT}&${of}`), ask(`/api/v1/history?${of}`)]);
    if (!ofWatched(name)) return; // overtaken by another choice
    takeImages(images.images);
    charts.fill(history.points);
  } catch { /* the feed says so */ }
}

function takeStatus(status, list) {
  rows = list;
  sources.take(list);
  flow.take(status, rows.find((row) => ofWatched(row.name)));
  form.fill(status.defaults);
  form.show();
  say(byId('ready'), status.ready ? '' : status.reason);
  byId('ready').hidden = status.ready;
  say(byId('version'), `inferloop ${status.version}`);
  if (!status.ready) return;
  byId('made-empty').textContent = 'The first image is on its way';
}

const STATES = {
  live: ['good', 'Live'],
  polling: ['wait', 'Live, by asking'],
  lost: ['bad', 'Disconnected'],
  paused: ['wait', 'Paused'],
};

function showState(state) {
  const [kind, text] = STATES[state];
  mark(byId('state'), kind);
  say(byId('state'), text);
  document.body.classList.toggle('lost', state === 'lost');
  byId('lost').hidden = state !== 'lost';
  if (state === 'paused') sources.pause();
}

// ---- the start ----

byId('theme').addEventListener('click', turnTheme);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showTheme);
byId('newest').addEventListener('click', () => gallery.open(gallery.newest()));
showTheme();
charts.begin();
gallery.begin();
session.begin();
incidents.begin(() => sources.watched());
sources.begin((name) => {
  gallery.clear();
  charts.clear();
  say(byId('made-mode'), 'no image yet');
  say(byId('made-facts'), '');
  byId('made-empty').hidden = false;
  byId('newest').disabled = true;
  began = true;
  fill(name);
});
form.begin({
  shape: () => {
    const row = rows.find((source) => ofWatched(source.name));
    return row && row.width > 0 ? [row.width, row.height] : null;
  },
  source: () => sources.watched(),
  made: (record) => takeImages([record]),
  open: (record) => gallery.open(record),
});

new Feed({
  status: takeStatus,
  image: (record) => takeImages([record]),
  profile: (source, point) => ofWatched(source) && charts.add(point),
  incident: (incident) => incidents.take(incident),
  state: showState,
  began: () => {
    sources.restart();
    incidents.fill().catch(() => {});
    session.learn().then(() => sources.learn()).catch(() => {});
    if (began) fill(sources.watched());
  },
});
