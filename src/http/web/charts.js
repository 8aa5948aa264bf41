// SPDX-License-Identifier: Apache-2.0
// Small charts of one quantity over time: a line for the mean, a band from the 5th to the 95th
// percentile. What they show is also said in words, for those who don't see it.
import { byId, clock, fixed, make, say, whole } from './tools.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 300, HEIGHT = 96; // of the drawing; it stretches to its place
const POINTS_MAX = 1024;

const CHARTS = [
  { key: 'brightness_mean', name: 'Brightness', text: (v) => fixed(v, 3) },
  { key: 'contrast_mean', name: 'Contrast', text: (v) => fixed(v, 3) },
  { key: 'color_temperature', name: 'Colour temperature', text: (v) => `${whole(v)} K` },
  { key: 'laplacian_variance', name: 'Sharpness', text: (v) => whole(v) },
  { key: 'objects', name: 'Objects per frame', text: (v) => fixed(v, 1), least: 0, share: true },
  { key: 'likeness', name: 'Likeness', text: (v) => fixed(v, 2), least: 0, line: 1.5, band: false },
];

const series = new Map(); // key -> [{ at, mean, p05, p95, share }], oldest first
let pointer = null;       // { chart, share } where the visitor points

function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function build(chart) {
  chart.drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' });
  chart.bandPath = svg('path', { class: 'band' });
  chart.limit = svg('path', { class: 'limit' });
  chart.linePath = svg('path', { class: 'line' });
  chart.cursor = svg('path', { class: 'cursor' });
  chart.drawing.append(chart.bandPath, chart.limit, chart.linePath, chart.cursor);
  chart.value = make('output', { className: 'now' });
  chart.spread = make('span', { className: 'spread' });
  chart.top = make('span', { className: 'top' });
  chart.bottom = make('span', { className: 'bottom' });
  chart.from = make('span', {});
  chart.to = make('span', {});
  chart.empty = make('p', { className: 'wait', textContent: 'not known yet' });
  const plot = make('div', { className: 'plot' }, chart.drawing, chart.top, chart.bottom, chart.empty);
  plot.addEventListener('pointermove', (event) => {
    const box = plot.getBoundingClientRect();
    pointer = { chart, share: (event.clientX - box.left) / box.width };
    draw(chart);
  });
  plot.addEventListener('pointerleave', () => {
    pointer = null;
    draw(chart);
  });
  chart.value.setAttribute('aria-live', 'off');
  return make('figure', { className: 'chart', id: `chart-${chart.key}` },
    make('figcaption', {}, make('h3', { textContent: chart.name }), chart.value, chart.spread),
    plot, make('p', { className: 'axis' }, chart.from, chart.to));
}

function range(chart, points) {
  let low = Math.min(...points.map((point) => point.p05));
  let high = Math.max(...points.map((point) => point.p95));
  if (chart.line) high = Math.max(high, chart.line * 1.1);
  if (chart.least !== undefined) low = chart.least;
  const room = Math.max((high - low) * 0.12, Math.abs(high) * 0.004, 1e-6);
  return [chart.least === undefined ? low - room : low, high + room];
}

// The point that is told in words: where the visitor points, else the newest.
function told(chart, points) {
  if (pointer?.chart !== chart) return points.at(-1);
  const first = points[0].at, last = points.at(-1).at;
  const at = first + pointer.share * (last - first);
  return points.reduce((best, point) => (Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best));
}

function describe(chart, point) {
  say(chart.value, chart.text(point.mean));
  if (chart.share) say(chart.spread, `${whole(point.p05)} – ${whole(point.p95)}, in ${fixed(point.share * 100, 0)} % of frames`);
  else if (chart.band === false) say(chart.spread, '1: as alike as real stretches of it');
  else say(chart.spread, `${chart.text(point.p05)} – ${chart.text(point.p95)}`);
}

function draw(chart) {
  const points = series.get(chart.key) ?? [];
  chart.empty.hidden = points.length > 0;
  if (points.length === 0) return;
  const drawn = points.length > 1 ? points : [{ ...points[0], at: points[0].at - 1000 }, points[0]];
  const [low, high] = range(chart, drawn);
  const first = drawn[0].at, last = drawn.at(-1).at;
  const x = (at) => fixed((at - first) / (last - first) * WIDTH, 1);
  const y = (value) => fixed(HEIGHT - (value - low) / (high - low) * HEIGHT, 1);
  const path = (list, key) => list.map((point) => `${x(point.at)} ${y(point[key])}`).join('L');
  chart.linePath.setAttribute('d', `M${path(drawn, 'mean')}`);
  if (chart.band !== false)
    chart.bandPath.setAttribute('d', `M${path(drawn, 'p95')}L${path([...drawn].reverse(), 'p05')}Z`);
  if (chart.line) chart.limit.setAttribute('d', `M0 ${y(chart.line)}H${WIDTH}`);
  const point = told(chart, points);
  const pointed = pointer?.chart === chart;
  chart.cursor.setAttribute('d', pointed ? `M${x(point.at)} 0V${HEIGHT}` : '');
  describe(chart, point);
  say(chart.top, chart.text(high));
  say(chart.bottom, chart.text(low));
  say(chart.from, clock(new Date(first)));
  say(chart.to, clock(new Date(pointed ? point.at : last)));
  chart.drawing.setAttribute('aria-label',
    `${chart.name} from ${clock(new Date(first))} to ${clock(new Date(last))}: now ${chart.text(points.at(-1).mean)}, between ${chart.text(low)} and ${chart.text(high)}`);
}

function insert(key, point) {
  const points = series.get(key) ?? [];
  series.set(key, points);
  if (points.some((other) => other.at === point.at)) return;
  const later = points.findIndex((other) => other.at > point.at);
  points.splice(later < 0 ? points.length : later, 0, point);
  if (points.length > POINTS_MAX) points.shift();
}

function take(point) {
  const at = Date.parse(point.time);
  for (const { key } of CHARTS)
    if (point[key]) insert(key, { at, share: point.occupancy_rate, ...point[key] });
}

export const charts = {
  begin() {
    byId('charts').append(...CHARTS.map(build));
  },
  // Another source: nothing of the last one stays.
  clear() {
    series.clear();
    for (const chart of CHARTS) {
      for (const path of [chart.linePath, chart.bandPath, chart.limit, chart.cursor]) path.setAttribute('d', '');
      for (const text of [chart.value, chart.spread, chart.top, chart.bottom, chart.from, chart.to]) say(text, '');
      draw(chart);
    }
  },
  fill(points) {
    points.forEach(take);
    CHARTS.forEach(draw);
  },
  add(point) {
    this.fill([point]);
  },
  addLikeness(record) {
    if (!(record.likeness >= 0)) return;
    const value = record.likeness;
    insert('likeness', { at: Date.parse(record.time), mean: value, p05: value, p95: value });
    draw(CHARTS.at(-1));
  },
};
